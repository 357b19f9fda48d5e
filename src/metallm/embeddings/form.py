"""The form of a text: its first and last words, hashed.

A task is often known by how its queries begin and end ("Context:", "Answer the following", "True or
false?"), of which an average over all words keeps little. The first word, the first two, the last
and the last two are each hashed to an entry and a sign (Weinberger et al. 2009, arXiv 0902.2206).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm import inner
from metallm.inner import pure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context

LENGTH = 0.5
"""Beside an embedding of length 1; .35 to .75 were measured to tie."""

REACH = 120
"""Characters from each end in which words are looked for."""


class FormEmbedder:
    """Hashed first and last words."""

    id = "form-64-v1"
    dim = 64

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, 64), float32, each of length `LENGTH`, or 0 if blank."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        self.write(texts, out)
        return out

    def write(self, texts: Sequence[str], out: Context) -> None:
        """As `embed`, into zeros of shape (n, 64)."""
        for row, text in enumerate(texts):
            hash_ends = inner.hashed_ends if text.isascii() else pure.hashed_ends
            hash_ends(text, out[row], REACH, LENGTH)
