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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context

MAX_CHARACTERS = 4096
"""What is looked at; length itself is that of the whole text."""

SPREAD = 0.3
"""Beside a unit-length embedding: .15 and .3 were measured to be ties, 1 drowns the embedding."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"(?:^|[\s(])\(?([A-Ja-j1-9])[).:]\s")
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
    words = _WORD.findall(seen.lower())
    count = max(len(words), 1)
    letters = sum(map(len, words))
    options = len(set(_OPTION.findall(seen)))
    stripped = seen.rstrip()
    shape = [
        math.log1p(len(text)) - 5.5,
        math.log1p(len(words)) - 3.8,
        letters / count - 4.7,
        math.log(count / (len(_SENTENCE.findall(seen)) + 1) + 1.0) - 2.7,
        math.log1p(seen.count("\n")) - 0.7,
        math.sqrt(sum(map(str.isdigit, seen)) / characters) * 4.0,
        math.log1p(len(_NUMBER.findall(seen))) - 0.5,
        math.sqrt(sum(map(str.isupper, seen)) / characters) * 4.0 - 0.7,
        math.sqrt((characters - letters - seen.count(" ")) / characters) * 3.0 - 0.8,
        math.log1p(options) - 0.5,
        min(seen.count("?"), 3) - 0.7,
        1.0 if stripped.endswith("?") else 0.0,
        min(seen.count("!"), 3) * 0.7,
        math.log1p(seen.count('"') + seen.count("“")) * 0.8,
        math.log1p(len(_CODE.findall(seen))),
        math.log1p(len(_LATEX.findall(seen))) * 0.7,
        1.0 if _BLANK.search(seen) else 0.0,
        _non_ascii(seen),
        math.log1p(seen.count("@") + seen.count("#") + seen.count("http")),
        len(set(words)) / count * 3.0 - 2.3,
        math.sqrt(sum(len(word) > 8 for word in words) / count) * 3.0 - 1.0,
        math.log1p(seen.count(":")) - 0.5,
    ]  # fmt: skip
    shape.extend(math.sqrt(sum(word in group for word in words) / count) * 3.0 for group in _GROUPS)
    return shape


def _non_ascii(seen: str) -> float:
    if seen.isascii():
        return 0.0
    return math.sqrt(sum(not sign.isascii() for sign in seen) / len(seen)) * 4.0
