"""SquareCB: inverse gap weighting (Foster and Rakhlin 2020, arXiv 2002.04926, Algorithm 1).

    p_a = 1 / (K + γ (r_best − r_a)) for every arm but the best, which gets the rest

Every arm keeps some probability, the less the worse it looks, and each probability is known
exactly: what was logged can later be weighed to judge any other policy.

A departure from the paper: the gaps are those of optimistic rewards, r + OPTIMISM · standard error.
With the bare estimates a small γ tours bad arms for long, and a large one locks in on an early
favourite; with optimism γ can be large, for an arm of which little is known keeps a small gap.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metallm import inner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import View

GAMMA = 300.0
"""γ = γ₀ √(1 + outcomes) · √max(1, K / MANY), γ₀ = GAMMA; growth with both roots is the paper's."""

MANY = 12
"""Arms beyond which γ grows with their number; below, all of 100 to 1,000 were measured alike."""

OPTIMISM = 1.0
"""Standard errors that are added to a reward before gaps are taken."""


class SquareCBPolicy:
    """Inverse gap weighting with a γ that grows as more is known.

    Args:
        gamma: γ₀, above 0.
        optimism: standard errors added to each reward, 0 (the paper's) and up.
    """

    name = "squarecb"

    def __init__(self, gamma: float = GAMMA, optimism: float = OPTIMISM) -> None:
        self._gamma = gamma
        self._optimism = optimism

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K)."""
        count = len(arms)
        gamma = self._gamma * math.sqrt((1.0 + view.observations) * max(1.0, count / MANY))
        weights = np.empty(view.reward.shape)
        inner.gap_weights(view.reward, view.uncertainty, weights, gamma, self._optimism)
        return weights
