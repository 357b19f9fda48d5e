"""A reference, not a competitor: ridge that is shown every model's outcome after each choice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metallm.learners.ridge import ArmRidge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from routing.table import Table

PENALTY = 10.0
"""λ of the context's weights; contexts have a mean square of 1."""

BIAS_PENALTY = 2.0


class FullRidgePlayer:
    """Greedy ridge on the reward, all outcomes of each row told.

    Args:
        table: the rows.
        contexts: shape (n, d), the last entry 1.
        cost_weight: p.
    """

    def __init__(self, table: Table, contexts: FloatArray, cost_weight: float) -> None:
        self._contexts = contexts
        self._reward = table.panel.reward(cost_weight)
        l2 = np.full(contexts.shape[1], PENALTY)
        l2[-1] = BIAS_PENALTY
        self._ridge = ArmRidge(len(table.arms), l2, np.zeros(len(l2)))

    def warm(self, rows: NDArray[np.intp]) -> None:
        """As any other rows."""
        for row in rows.tolist():
            self.learn(row, 0)

    def choose(self, row: int, allowed: Sequence[int]) -> int:
        """The best prediction."""
        predicted = self._ridge.predict(self._contexts[row][None])[0]
        return int(allowed[int(predicted[list(allowed)].argmax())])

    def learn(self, row: int, column: int) -> None:
        """Every model's reward in this row."""
        del column
        for arm, reward in enumerate(self._reward[row].tolist()):
            if not math.isnan(reward):  # NaN where nothing was recorded
                self._ridge.update(arm, self._contexts[row], reward)
