"""The very words of a text: its tokens and pairs of tokens, hashed.

A mean of token rows says what a text is about, and blurs which words stand in it. Each token and
each pair of neighbours is hashed to an entry and a sign (Weinberger et al. 2009, arXiv 0902.2206);
counts are damped by a logarithm, and the whole is scaled to one length.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metallm import inner
from metallm.embeddings.static import MAX_CHARACTERS, MAX_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context
    from metallm.embeddings.words import WordTokenizer

LENGTH = 0.5
"""Beside an embedding of length 1; .3 was measured to help half as much."""

_SPREAD = 0x9E3779B97F4A7C15  # 2⁶⁴ over the golden ratio: spreads neighbours apart
_PAIR = 1_000_003
_DAMPED = np.log1p(np.arange(2 * MAX_TOKENS + 1.0))
"""The damped value of each count."""


class NgramEmbedder:
    """Hashed tokens and pairs of tokens.

    Args:
        tokenizer: text to token ids.
    """

    id = "ngrams-128-v1"
    dim = 128

    def __init__(self, tokenizer: WordTokenizer) -> None:
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, 128), float32, each of length `LENGTH`, or 0 if blank."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        self.write(texts, out)
        return out

    def write(self, texts: Sequence[str], out: Context) -> None:
        """As `embed`, into zeros of shape (n, 128)."""
        for row, text in enumerate(texts):
            ids = self._tokenizer.ids(text[:MAX_CHARACTERS])[:MAX_TOKENS]
            damped = np.empty(self.dim)
            inner.gram_sums(ids, _DAMPED, damped, _PAIR, _SPREAD)
            length = math.sqrt(damped.dot(damped))
            if length > 0.0:
                inner.scaled(damped, out[row], LENGTH / length)
