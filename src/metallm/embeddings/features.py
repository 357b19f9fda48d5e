"""Cheap features of a text: what an embedding of its topic does not tell.

Length, digits, options, code, questions and negation say much about how hard a query is and for
whom. Each is scaled by hand to about unit spread, so that none needs data before it can be used;
all together are scaled by SPREAD, to stand beside an embedding of length 1.
"""

from __future__ import annotations

from math import log, log1p, sqrt
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from metallm import inner
from metallm.inner import pure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context

MAX_CHARACTERS = 4096
"""What is looked at; length itself is that of the whole text."""

SPREAD = 0.3
"""Beside a unit-length embedding: .15 and .3 were measured to be ties, 1 drowns the embedding."""

_SPREAD = np.float32(SPREAD)

_GROUPS = (
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

NAMES: tuple[str, ...] = (
    "log_characters", "log_words", "word_length", "sentence_length", "lines", "digits",
    "numbers", "uppercase", "punctuation", "options", "question_marks", "ends_in_question",
    "exclamation", "quotes", "code", "mathematics", "blanks", "non_ascii", "mentions",
    "distinct_words", "long_words", "colon_lines",
    *(f"words_{group}" for group in range(len(_GROUPS))),
)  # fmt: skip

# half the time of an assignment from a list
_FLOATS = Struct(f"{len(NAMES)}f")
_ASCII, _ANY = inner.Lexicon(_GROUPS), pure.Lexicon(_GROUPS)


class FeatureEmbedder:
    """Hand-made features of a text, shape (n, d), each about within −.6 to .6."""

    id = f"features-{len(NAMES)}-1"
    dim = len(NAMES)

    def embed(self, texts: Sequence[str]) -> Context:
        """Features of n texts, shape (n, d), float32."""
        out = np.empty((len(texts), self.dim), dtype=np.float32)
        self.write(texts, out)
        return out

    def write(self, texts: Sequence[str], out: Context) -> None:
        """As `embed`, into an array of shape (n, d)."""
        for row, text in enumerate(texts):
            _FLOATS.pack_into(out[row], 0, *_features(text))
        out *= _SPREAD


def _features(text: str) -> list[float]:
    seen = text[:MAX_CHARACTERS]
    (
        words, letters, distinct, long_words, sentences, lines, digits, numbers, uppercase, spaces,
        options, questions, asks, exclamations, quotes, code, formulas, blanks, others, mentions,
        colons, *known,
    ) = (_ASCII if seen.isascii() else _ANY).count(seen)  # fmt: skip
    characters, count = max(len(seen), 1), max(words, 1)
    return [
        log1p(len(text)) - 5.5,
        log1p(words) - 3.8,
        letters / count - 4.7,
        log(count / (sentences + 1) + 1.0) - 2.7,
        log1p(lines) - 0.7,
        sqrt(digits / characters) * 4.0,
        log1p(numbers) - 0.5,
        sqrt(uppercase / characters) * 4.0 - 0.7,
        sqrt((characters - letters - spaces) / characters) * 3.0 - 0.8,
        log1p(options) - 0.5,
        min(questions, 3) - 0.7,
        float(asks),
        min(exclamations, 3) * 0.7,
        log1p(quotes) * 0.8,
        log1p(code),
        log1p(formulas) * 0.7,
        float(blanks),
        sqrt(others / characters) * 4.0,
        log1p(mentions),
        distinct / count * 3.0 - 2.3,
        sqrt(long_words / count) * 3.0 - 1.0,
        log1p(colons) - 0.5,
        *[sqrt(each / count) * 3.0 if each else 0.0 for each in known],
    ]
