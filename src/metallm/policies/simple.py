"""Policies that explore not at all or do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import UnknownArmError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import View


def share_of_best(scores: FloatArray) -> FloatArray:
    """All probability to the best in each row, shared evenly among ties; (n, K) gives (n, K)."""
    best = (scores == scores.max(axis=1, keepdims=True)).astype(np.float64)
    shares: FloatArray = best / best.sum(axis=1, keepdims=True)
    return shares


class GreedyPolicy:
    """The arm with the highest expected reward."""

    name = "greedy"

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K)."""
        del arms
        return share_of_best(view.reward)


class RandomPolicy:
    """Every arm alike."""

    name = "random"

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K)."""
        return np.full_like(view.reward, 1.0 / len(arms))


class FixedPolicy:
    """Always one arm.

    Args:
        arm: its name.
    """

    def __init__(self, arm: str) -> None:
        self.name = f"fixed:{arm}"
        self._arm = arm

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K).

        Raises:
            UnknownArmError: the arm is not among those that may be chosen.
        """
        if self._arm not in arms:
            raise UnknownArmError(self._arm, arms)
        chosen = np.zeros_like(view.reward)
        chosen[:, list(arms).index(self._arm)] = 1.0
        return chosen
