"""Cheap features of a text: what an embedding of its topic does not tell.

Length, digits, options, code, questions and negation say much about how hard a query is and for
whom. Each is scaled by hand to about unit spread, so that none needs data before it can be used;
all together are scaled by SPREAD, to stand beside an embedding of length 1.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from metallm.embeddings.signs import Signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context

MAX_CHARACTERS = 4096
"""What is looked at; length itself is that of the whole text."""

SPREAD = 0.3
"""Beside a unit-length embedding: .15 and .3 were measured to be ties, 1 drowns the embedding."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"(?:^|[\s(])\(?([A-Ja-j1-9])[).:]\s")
# an option's end, with what has to stand before it: much quicker to look for than an option
_OPTION_END = re.compile(r"[).:](?:(?<=[\s(][A-Ja-j1-9].)|(?<=^[A-Ja-j1-9].))\s")
_CODE = re.compile(
    r"def |class |import |return |#include|```|;\s*\n|=>|\{\s*\n|</\w|SELECT |::|\(\)"
)
_LATEX = re.compile(r"\\[a-zA-Z]+|\$[^$]+\$|\^\{?\d|[=+*/<>≤≥]")
_BLANK = re.compile(r"_{2,}|\.{3,}|\[MASK\]|<mask>", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?](?:\s|$)")

_GROUPS: tuple[frozenset[str], ...] = tuple(
    frozenset(words.split())
    for words in (
        "what which",
        "who whom whose where when",
        "why how explain describe",
        "not no never none nor without cannot can't don't doesn't isn't won't except neither",
        "how many much total each per cost price sum average percent dollars hours minutes miles",
        "function code python list string array integer write program implement returns",
        "following statement statements true false correct incorrect best answer choose options",
        "if then therefore because since suppose assume given let all some every",
        "he she his her they him them man woman people",
        "court law legal plaintiff defendant contract state act rights property",
        "energy force mass temperature pressure velocity reaction acid cell gene protein",
        "i you we my your me our us",
        "please summarize translate rewrite classify list extract compare",
        "a an the of to in for on with by",
    )
)

_GROUPS_OF: dict[str, tuple[int, ...]] = {
    word: tuple(place for place, words in enumerate(_GROUPS) if word in words)
    for word in frozenset().union(*_GROUPS)
}

NAMES: tuple[str, ...] = (
    "log_characters", "log_words", "word_length", "sentence_length", "lines", "digits",
    "numbers", "uppercase", "punctuation", "options", "question_marks", "ends_in_question",
    "exclamation", "quotes", "code", "mathematics", "blanks", "non_ascii", "mentions",
    "distinct_words", "long_words", "colon_lines",
    *(f"words_{group}" for group in range(len(_GROUPS))),
)  # fmt: skip


class FeatureEmbedder:
    """Hand-made features of a text, shape (n, d), each about within −.6 to .6."""

    id = f"features-{len(NAMES)}-1"
    dim = len(NAMES)

    def embed(self, texts: Sequence[str]) -> Context:
        """Features of n texts, shape (n, d), float32."""
        rows = [_features(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dim) * np.float32(SPREAD)


def _features(text: str) -> list[float]:
    seen = text[:MAX_CHARACTERS]
    characters = max(len(seen), 1)
    signs = Signs.of(seen)
    words, digits = signs.words, signs.digits
    count = max(len(words), 1)
    letters = sum(map(len, words))
    options = len(set(_OPTION.findall(seen))) if _OPTION_END.search(seen) else 0
    shape = [
        math.log1p(len(text)) - 5.5,
        math.log1p(len(words)) - 3.8,
        letters / count - 4.7,
        math.log(count / (len(_SENTENCE.findall(seen)) + 1) + 1.0) - 2.7,
        math.log1p(seen.count("\n")) - 0.7,
        math.sqrt(digits / characters) * 4.0,
        math.log1p(len(_NUMBER.findall(seen)) if digits else 0) - 0.5,
        math.sqrt(signs.uppercase / characters) * 4.0 - 0.7,
        math.sqrt((characters - letters - seen.count(" ")) / characters) * 3.0 - 0.8,
        math.log1p(options) - 0.5,
        min(seen.count("?"), 3) - 0.7,
        1.0 if seen.rstrip().endswith("?") else 0.0,
        min(seen.count("!"), 3) * 0.7,
        math.log1p(seen.count('"') + seen.count("“")) * 0.8,
        math.log1p(len(_CODE.findall(seen))),
        math.log1p(len(_LATEX.findall(seen)) if signs.formula else 0) * 0.7,
        1.0 if _has_blank(seen) else 0.0,
        math.sqrt(signs.others / characters) * 4.0,
        math.log1p(seen.count("@") + seen.count("#") + seen.count("http")),
        len(set(words)) / count * 3.0 - 2.3,
        math.sqrt(len([word for word in words if len(word) > 8]) / count) * 3.0 - 1.0,
        math.log1p(seen.count(":")) - 0.5,
    ]  # fmt: skip
    shape.extend([math.sqrt(known / count) * 3.0 for known in _known_words(words)])
    return shape


def _known_words(words: list[str]) -> list[int]:
    """How many of the words are in each group; a word may be in several."""
    known = [0] * len(_GROUPS)
    for groups in filter(None, map(_GROUPS_OF.get, words)):
        for group in groups:
            known[group] += 1
    return known


def _has_blank(seen: str) -> bool:
    # single signs are found at once, the expression ignores case and is slow
    if not ("_" in seen or "..." in seen or "[" in seen or "<" in seen):
        return False
    return _BLANK.search(seen) is not None
