"""Cheap features of a text: what an embedding of its topic does not tell.

Length, digits, options, code, questions and negation say much about how hard a query is and for
whom. Each is scaled by hand to about unit spread, so that none needs data before it can be used;
all together are scaled by SPREAD, to stand beside an embedding of length 1. The formulas are in
`metallm.inner.pure.features`.
"""

from __future__ import annotations

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
            seen = text[:MAX_CHARACTERS]
            lexicon = _ASCII if seen.isascii() else _ANY
            lexicon.describe(seen, len(text), out[row], SPREAD)
