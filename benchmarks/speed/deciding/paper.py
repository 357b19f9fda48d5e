"""The code path of the paper's published code: an inverse per arm for every query.

Disjoint LinUCB (arXiv 2407.10834, Algorithm 1; Li et al. 2010): A_a and b_a are kept, and each
query inverts every A_a to get θ_a = A_a⁻¹ b_a and the width √(xᵀ A_a⁻¹ x).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class PaperPlayer:
    """LinUCB that inverts per arm and query."""

    def __init__(self, arms: int, dim: int, alpha: float = 0.25, l2: float = 12.94) -> None:
        self._alpha = alpha
        self._A = [l2 * np.identity(dim) for _ in range(arms)]
        self._b = [np.zeros((dim, 1)) for _ in range(arms)]

    def decide(self, context: FloatArray) -> int:
        """The arm with the highest upper bound."""
        x = context.reshape(-1, 1)
        bounds = []
        for gram, moment in zip(self._A, self._b, strict=True):
            inverse = np.linalg.inv(gram)
            theta = inverse @ moment
            width = self._alpha * np.sqrt(x.T @ inverse @ x)
            bounds.append(float((theta.T @ x + width)[0, 0]))
        return int(np.argmax(bounds))

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """A += x xᵀ, b += r x."""
        x = context.reshape(-1, 1)
        self._A[arm] += x @ x.T
        self._b[arm] += quality * x
