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


FEW = 32
"""Arms up to which plain numbers beat numpy for a single query."""


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
        if len(view.reward) == 1 and count <= FEW:
            (reward,), (spread,) = view.reward.tolist(), view.uncertainty.tolist()
            return np.array([_one_row(reward, spread, gamma, self._optimism)])
        rows = np.arange(len(view.reward))
        hoped = view.reward + self._optimism * view.uncertainty
        best = hoped.argmax(axis=1)
        gaps = hoped[rows, best][:, None] - hoped
        weights: FloatArray = 1.0 / (count + gamma * gaps)
        weights[rows, best] = 0.0
        weights[rows, best] = 1.0 - weights.sum(axis=1)
        return weights


def _one_row(
    reward: list[float], spread: list[float], gamma: float, optimism: float
) -> list[float]:
    """The same for one query, in numbers instead of arrays: a tenth of numpy's calls."""
    hoped = [mean + optimism * error for mean, error in zip(reward, spread, strict=True)]
    top = max(hoped)
    best = hoped.index(top)
    count = len(hoped)
    weights = [1.0 / (count + gamma * (top - each)) for each in hoped]
    weights[best] = 0.0
    weights[best] = 1.0 - sum(weights)
    return weights
