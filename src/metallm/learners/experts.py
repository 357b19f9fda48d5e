"""Softmax regression that learns row by row: one on a text's words, one on its context.

    minimise ½ |W|² + Σ_i C_i · −log softmax(W x_i)[y_i]

by stochastic dual coordinate ascent (Shalev-Shwartz & Zhang 2013, arXiv 1209.1873). Each row i owns
a part of the weights, W = Σ_i alpha_i x_iᵀ; a visit gives it the alpha that is best beside all
others', exactly, so that there is no step size, and every visit brings W nearer to the one
minimum. At the minimum alpha_i = C_i (e_y − P(· | x_i)). A row that leaves takes its part along.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from metallm import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray

C_WORDS, C_CONTEXT = 16.0, 2.0
"""What a row may weigh against the penalty, by expert."""

BIAS = 0.5
"""The entry of each row for what all texts have in common."""

HALF = 1 << 15
MOST_WEIGHTS = 1 << 21
"""Numbers in V; past 32 labels fewer ids than 65,536 are told apart."""


@dataclass(slots=True, eq=False)
class Row:
    """One labelled text.

    Args:
        ids: of its words, as `WordsExpert.folded` gives them, shape (n,).
        context: shape (d,).
        label: its place.
        weight: what it counts, above 0 to 1.
        alpha: its part of either expert's weights, shape (2, L): words, context.
        norm: |idf| with which its part is in V.
    """

    ids: NDArray[np.uint16]
    context: Context
    label: int
    weight: float
    alpha: FloatArray
    norm: float = field(default=1.0)


class WordsExpert:
    """Reads which words a text has, rare ones more than common ones.

    Args:
        labels: how many, L.
    """

    def __init__(self, labels: int) -> None:
        entries = 2 * HALF
        while entries * labels > MOST_WEIGHTS and entries > 2:
            entries //= 2
        self.half = entries // 2
        self.V: FloatArray = np.zeros((entries + 1, labels))
        self.df: FloatArray = np.zeros(entries)
        self.rows = 0

    def folded(self, words: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Ids in the space of this expert: words below `half`, parts of words above."""
        if self.half == HALF:
            return words
        return np.unique(words % self.half + words // HALF * self.half).astype(np.uint16)

    def scores(self, ids: NDArray[np.uint16]) -> FloatArray:
        """Scores of a text, shape (L,)."""
        out = np.empty(self.V.shape[1])
        inner.sparse_scores(ids, self.df, self.rows, self.V, out, BIAS)
        return out

    def unseen(self, ids: NDArray[np.uint16]) -> float:
        """Share of a text's words, by idf, that no row had; 0 of a text without words."""
        df = self.df[ids[: ids.searchsorted(self.half)]]
        idf = 1.0 + np.log((1.0 + self.rows) / (1.0 + df))
        whole = float(idf.sum())
        return float(idf[df == 0.0].sum()) / whole if whole > 0.0 else 0.0

    def count(self, ids: NDArray[np.uint16], by: int) -> None:
        """One row more, or less, with these ids."""
        self.df[ids] += by
        self.rows += by

    def visit(self, row: Row, C: float = C_WORDS) -> None:
        """Give a row the best part; with C = 0 none."""
        row.norm = inner.sparse_step(
            row.ids, self.df, self.rows, self.V, row.alpha[0], row.norm, row.label,
            C * row.weight, BIAS,
        )  # fmt: skip


class ContextExpert:
    """Reads the context that the router sees.

    Args:
        labels: how many, L.
        dim: length of a context, d.
    """

    def __init__(self, labels: int, dim: int) -> None:
        self.W: FloatArray = np.zeros((labels, dim + 1))

    def scores(self, context: Context) -> FloatArray:
        """Scores of a context, shape (L,)."""
        out = np.empty(len(self.W))
        inner.dense_scores(context, self.W, out, BIAS)
        return out

    def visit(self, row: Row, C: float = C_CONTEXT) -> None:
        """Give a row the best part; with C = 0 none."""
        inner.dense_step(row.context, self.W, row.alpha[1], row.label, C * row.weight, BIAS)
