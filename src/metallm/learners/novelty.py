"""How unlike all that a student learned from a text is.

Two measures: how much of its words was never seen, and how far its context is from the mean, each
number against its own spread. Neither means anything by itself, since tasks differ in how alike
their texts are; so both are held against what was usual for the last rows when they were new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray

RECENT = 128
"""Rows that tell what is usual."""

LEAST_ROWS = 16
"""Below so many measured rows nothing is known to be unusual."""

SPREAD_ROWS = 8.0
"""Rows that the mean spread of all numbers counts for in that of each."""

FARTHEST = 9.0
"""Square, in spreads, above which a number counts no more: one odd number is no other topic."""

_LEAST_WIDTH = 1e-3


class Novelty:
    """What is usual, and how far from it a text is. Rows can be taken back.

    Args:
        dim: length of a context, d.
    """

    def __init__(self, dim: int) -> None:
        self._rows = 0
        self._mean: FloatArray = np.zeros(dim)
        self._squares: FloatArray = np.zeros(dim)  # Σ (x − mean)², Welford's
        self._recent: FloatArray = np.zeros((RECENT, 2))
        self._measured = 0
        self._usual: FloatArray = np.zeros((2, 2))
        self._derive()

    def of(self, unseen: float, context: Context) -> float:
        """0 for what is usual up to 1: as far beyond the 95 % quantile as that is from the median.

        Args:
            unseen: share of the text's words that no row had, 0 to 1.
            context: shape (d,).
        """
        if self._measured < LEAST_ROWS:
            return 0.0
        middle, high = self._usual
        beyond = (self._measures(unseen, context) - high) / (high - middle)
        return float(min(max(beyond.max(), 0.0), 1.0))

    def add(self, unseen: float, context: Context) -> None:
        """One more row, measured before it is learned."""
        if self._rows >= LEAST_ROWS:
            self._recent[self._measured % RECENT] = self._measures(unseen, context)
            self._measured += 1
        self._rows += 1
        apart = context - self._mean
        self._mean += apart / self._rows
        self._squares += apart * (context - self._mean)
        self._derive()

    def take_back(self, context: Context) -> None:
        """One row less; what it told of the usual is forgotten as other rows come."""
        self._rows -= 1
        apart = context - self._mean
        if self._rows == 0:
            self._mean[:], self._squares[:] = 0.0, 0.0
        else:
            self._mean -= apart / self._rows
            self._squares -= apart * (context - self._mean)
            np.maximum(self._squares, 0.0, out=self._squares)
        self._derive()

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "counts": np.array([self._rows, self._measured], dtype=np.int64),
            "mean": self._mean.copy(),
            "squares": self._squares.copy(),
            "recent": self._recent.copy(),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        self._rows, self._measured = (int(count) for count in state["counts"])
        self._mean, self._squares = state["mean"].copy(), state["squares"].copy()
        self._recent = state["recent"].copy()
        self._derive()

    def _measures(self, unseen: float, context: Context) -> FloatArray:
        apart = context - self._mean
        squares = apart * apart
        squares *= self._sharpness
        np.minimum(squares, FARTHEST, out=squares)
        return np.array([unseen, squares.sum()])

    def _derive(self) -> None:
        """What is kept only to be quick: 1 / spread² of each number, and the usual."""
        spread = self._squares + SPREAD_ROWS * self._squares.sum() / max(
            len(self._squares) * self._rows, 1
        )
        self._sharpness = (self._rows + SPREAD_ROWS) / np.maximum(spread, 1e-12)
        if self._measured:
            recent = self._recent[: self._measured]
            self._usual = np.quantile(recent, (0.5, 0.95), axis=0)
            floor = _LEAST_WIDTH * np.maximum(self._usual[1], 1.0)
            self._usual[1] = np.maximum(self._usual[1], self._usual[0] + floor)
