"""What each arm answers to queries of each label: confusion counts, shrunk to the arm's quality.

    P(arm says a | truth y) = (n[y, a] + s · prior[y, a]) / (n[y] + s)

The prior has the arm right with its estimated quality on this very query, and wrong on every other
label, or unreadable, alike. So an arm that was never asked in a task is taken for what the router
believes of it elsewhere, and a query that is hard for an arm makes its answer weigh less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray

PRIOR_WEIGHT = 6.0
"""s: answers that the arm's estimated quality counts for, in each label."""

MOST_LABELS = 64
"""With more labels than that, which wrong label an arm names is not counted."""

LEAST = 0.02
"""An arm is never taken for surer, or more surely wrong, than this."""


class Confusion:
    """Counts of answers per arm and true label.

    Args:
        labels: L.
    """

    def __init__(self, labels: int) -> None:
        self.labels = labels
        self._counts: dict[str, FloatArray] = {}

    @property
    def columns(self) -> int:
        """What can be answered: L labels and "none of them"; or right and wrong alone."""
        return self.labels + 1 if self.labels <= MOST_LABELS else 2

    def add(self, arm: str, truth: int, answer: int, weight: float) -> None:
        """One answer more; a weight below 0 takes one back.

        Args:
            arm: who answered.
            truth: place of the true label.
            answer: place of the answered label, L for none of them.
            weight: what it counts.
        """
        if arm not in self._counts:
            self._counts[arm] = np.zeros((self.labels, self.columns))
        column = answer if self.columns > 2 else int(answer != truth)
        self._counts[arm][truth, column] += weight

    def likelihood(self, arm: str, quality: float, answer: int) -> FloatArray:
        """P(arm says this answer | truth y), shape (L,); arguments as in `chances`."""
        return self.chances([arm], np.array([quality]))[0, :, answer]

    def chances(self, arms: Sequence[str], quality: FloatArray) -> FloatArray:
        """P(arm says a | truth y), shape (K, L, L + 1).

        Args:
            arms: K names.
            quality: shape (K,), expected quality of each arm on this query, 0 to 1.
        """
        count = self.labels
        right = np.clip(quality, LEAST, 1.0 - LEAST)
        table = np.empty((len(arms), count, count + 1))
        table[:] = ((1.0 - right) / count)[:, None, None]
        own = np.arange(count)
        table[:, own, own] = right[:, None]
        table *= PRIOR_WEIGHT
        for place, arm in enumerate(arms):
            if arm in self._counts:
                table[place] += self._spread(self._counts[arm])
        table /= table.sum(axis=2, keepdims=True)
        return table

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        counts = list(self._counts.values())
        empty = np.zeros((0, self.labels, self.columns))
        return {
            "arms": np.array(list(self._counts), dtype=np.str_),
            "counts": np.stack(counts) if counts else empty,
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        arms = [str(arm) for arm in state["arms"]]
        self._counts = {arm: state["counts"][place].copy() for place, arm in enumerate(arms)}

    def _spread(self, counts: FloatArray) -> FloatArray:
        """Counts by answer, shape (L, L + 1); wrong answers spread alike where none is known."""
        if counts.shape[1] == self.labels + 1:
            return counts
        spread = np.repeat(counts[:, 1:] / self.labels, self.labels + 1, axis=1)
        own = np.arange(self.labels)
        spread[own, own] = counts[:, 0]
        return spread
