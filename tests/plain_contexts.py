"""The parts of the default context in the plainest way, to hold the quick ways against."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

import numpy as np

from metallm.embeddings import form, ngrams
from metallm.embeddings.static import MAX_CHARACTERS, MAX_TOKENS

TOKEN = re.compile(r"\w+|[^\w\s]|\n")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
OPTION = re.compile(r"(?:^|[\s(])\(?([A-Ja-j1-9])[).:]\s")
CODE = re.compile(
    r"def |class |import |return |#include|```|;\s*\n|=>|\{\s*\n|</\w|SELECT |::|\(\)"
)
FORMULA = re.compile(r"\\[a-zA-Z]+|\$[^$]+\$|\^\{?\d|[=+*/<>≤≥]")
BLANK = re.compile(r"_{2,}|\.{3,}|\[MASK\]|<mask>", re.IGNORECASE)
SENTENCE = re.compile(r"[.!?](?:\s|$)")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def token_mean(table: np.ndarray, ids: list[int]) -> np.ndarray:
    """Mean of the tokens' rows, scaled to length 1, shape (d,)."""
    total = table[np.array(ids[:MAX_TOKENS], dtype=np.int64)].sum(axis=0)
    length = np.sqrt(float(total.dot(total)))
    return np.asarray(total / np.float32(length) if length > 0.0 else np.zeros_like(total))


def hashed_grams(ids: list[int]) -> np.ndarray:
    """Tokens and pairs of tokens, hashed one by one, shape (128,)."""
    ids = ids[:MAX_TOKENS]
    grams = [*ids, *(((one + 1) * 1_000_003) ^ two for one, two in pairwise(ids))]
    counts = np.zeros(128, dtype=np.int64)
    for gram in grams:
        hashed = (gram * 0x9E3779B97F4A7C15) % 2**64 >> 56
        counts[hashed % 128] += 1 if hashed < 128 else -1
    damped = np.sign(counts) * np.log1p(np.arange(513.0))[np.abs(counts)]
    length = np.sqrt(float(damped.dot(damped)))
    scaled = damped * (ngrams.LENGTH / length) if length > 0.0 else damped
    return np.asarray(scaled.astype(np.float32))


def hashed_form(text: str) -> np.ndarray:
    """First and last words, hashed, shape (64,)."""
    bare, entries = text.strip(), np.zeros(64)
    first = TOKEN.findall(bare[: form.REACH].lower())[:2]
    last = TOKEN.findall(bare[-form.REACH :].lower())[-2:]
    if not first:
        return entries.astype(np.float32)
    for mark in (f"^{first[0]}", f"^{' '.join(first)}", f"${last[-1]}", f"${' '.join(last)}"):
        number = zlib.crc32(mark.encode("utf-8", "surrogatepass"))
        entries[number % 64] += 1.0 if number & 0x100000 else -1.0
    norm = max(float(np.linalg.norm(entries)), 1e-9)
    return np.asarray((form.LENGTH * entries / norm).astype(np.float32))


def counted(text: str) -> list[int]:
    """What is counted of a text, in the order of the lexicon, but for groups of words."""
    words = WORD.findall(text.lower())
    return [
        len(words),
        sum(len(word) for word in words),
        len(set(words)),
        sum(len(word) > 8 for word in words),
        len(SENTENCE.findall(text)),
        text.count("\n"),
        sum(sign.isdigit() for sign in text),
        len(NUMBER.findall(text)) if any(sign.isdigit() for sign in text) else 0,
        sum(sign.isupper() for sign in text),
        text.count(" "),
        len(set(OPTION.findall(text))),
        text.count("?"),
        int(text.rstrip().endswith("?")),
        text.count("!"),
        text.count('"') + text.count("“"),
        len(CODE.findall(text)),
        len(FORMULA.findall(text)),
        int(BLANK.search(text) is not None),
        sum(not sign.isascii() for sign in text),
        text.count("@") + text.count("#") + text.count("http"),
        text.count(":"),
    ]


def members(text: str, groups: tuple[str, ...]) -> list[int]:
    """How many words of a text are in each group."""
    words = WORD.findall(text.lower())
    return [sum(word in group.split() for word in words) for group in groups]


def cut(text: str) -> str:
    """What of a text is tokenized; half of a pair counts as the sign that stands for unknowns."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text[:MAX_CHARACTERS])
