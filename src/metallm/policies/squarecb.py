"""SquareCB: inverse gap weighting (Foster and Rakhlin 2020, arXiv 2002.04926, Algorithm 1).

    p_a = 1 / (K + γ (r_best − r_a)) for every arm but the best, which gets the rest

Every arm keeps some probability, the less the worse it looks, and each probability is known
exactly: what was logged can later be weighed to judge any other policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import View

GAMMA = 30.0
"""γ = GAMMA · √(1 + outcomes); growth with the root of the outcomes is the paper's."""


class SquareCBPolicy:
    """Inverse gap weighting with a γ that grows as more is known.

    Args:
        gamma: γ₀, above 0.
    """

    name = "squarecb"

    def __init__(self, gamma: float = GAMMA) -> None:
        self._gamma = gamma

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K)."""
        count = len(arms)
        gamma = self._gamma * np.sqrt(1.0 + view.observations)
        rows = np.arange(len(view.reward))
        best = view.reward.argmax(axis=1)
        gaps = view.reward[rows, best][:, None] - view.reward
        weights: FloatArray = 1.0 / (count + gamma * gaps)
        weights[rows, best] = 0.0
        weights[rows, best] = 1.0 - weights.sum(axis=1)
        return weights
