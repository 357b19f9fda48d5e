"""The very words of a text: its tokens and pairs of tokens, hashed.

A mean of token rows says what a text is about, and blurs which words stand in it. Each token and
each pair of neighbours is hashed to an entry and a sign (Weinberger et al. 2009, arXiv 0902.2206);
counts are damped by a logarithm, and the whole is scaled to one length.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metallm.embeddings.static import MAX_CHARACTERS, MAX_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import Context
    from metallm.embeddings.words import WordTokenizer

LENGTH = 0.5
"""Beside an embedding of length 1; .3 was measured to help half as much."""

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio: spreads neighbours apart
_PAIR = np.uint64(1_000_003)
_DAMPED = np.log1p(np.arange(2 * MAX_TOKENS + 1.0))
_DAMPED = np.concatenate([_DAMPED, -_DAMPED[:0:-1]])
"""The damped value of each count; a negative count picks from the end."""

_TOP = np.uint64(56)  # the highest bits are the best mixed: seven for the entry, one for the sign


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
        for row, text in enumerate(texts):
            counts = self._counts(self._tokenizer.ids(text[:MAX_CHARACTERS])[:MAX_TOKENS])
            damped = _DAMPED.take(counts)
            length = math.sqrt(damped.dot(damped))
            if length > 0.0:
                np.multiply(damped, LENGTH / length, out=out[row], casting="same_kind")
        return out

    def _counts(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums of signs in each entry, shape (128,)."""
        tokens = ids.astype(np.uint64)
        count = len(tokens)
        grams = np.empty(max(2 * count - 1, 0), dtype=np.uint64)
        grams[:count] = tokens
        np.multiply(tokens[:-1] + np.uint64(1), _PAIR, out=grams[count:])
        grams[count:] ^= tokens[1:]
        # products wrap around at 2⁶⁴, as they should
        grams *= _SPREAD
        hashed = (grams >> _TOP).astype(np.intp)
        sums = np.bincount(hashed, minlength=2 * self.dim)
        counts: NDArray[np.int64] = sums[: self.dim] - sums[self.dim :]
        return counts
