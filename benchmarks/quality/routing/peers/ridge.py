"""Plain ridge per model, centred, with a bias, its penalty by leave-one-out: the linear baseline.

With C the centred contexts, C = U S Vᵀ, and penalty l, the error of row i with itself left out is
(yᵢ − fitᵢ) / (1 − hᵢ), where hᵢ = Σⱼ Uᵢⱼ² S²ⱼ / (S²ⱼ + l) + 1/n (Allen 1974, PRESS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routing.peers.quality import QualityKind

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray

GRID: FloatArray = np.geomspace(0.1, 1000.0, 25)


class _Fit:
    """One model's ridge for every penalty of the grid."""

    def __init__(self, x: FloatArray, y: FloatArray) -> None:
        self.mean, self.level = x.mean(axis=0), float(y.mean())
        u, s, self._axes = np.linalg.svd(x - self.mean, full_matrices=False)
        self._s, self._target = s, u.T @ (y - self.level)
        kept = (s * s)[:, None] / ((s * s)[:, None] + GRID)  # shape (r, penalties)
        fits = u @ (kept * self._target[:, None])
        leverage = (u * u) @ kept + 1.0 / len(y)
        left_out = (y[:, None] - self.level - fits) / np.maximum(1.0 - leverage, 1e-6)
        self.errors: FloatArray = (left_out * left_out).sum(axis=0)

    def weights(self, penalty: float) -> FloatArray:
        """Shape (d,)."""
        shrunk = self._s / (self._s * self._s + penalty) * self._target
        weights: FloatArray = self._axes.T @ shrunk
        return weights


class RidgeModel:
    """Ridge on all of the context.

    Args:
        seed: of nothing; it is deterministic.
        shared: one penalty for all models, of the least error summed over them; else one each.
    """

    def __init__(self, seed: int, *, shared: bool) -> None:
        del seed
        self._shared = shared
        self._parts: list[tuple[FloatArray, FloatArray, float]] = []

    def fit(self, contexts: FloatArray, quality: FloatArray) -> None:
        """Fit each model to the rows that it answered."""
        fits = [_Fit(contexts[known], y[known]) for y in quality.T for known in [~np.isnan(y)]]
        errors = np.array([fit.errors for fit in fits])
        if self._shared:
            errors = np.tile(errors.sum(axis=0), (len(fits), 1))
        penalties = GRID[errors.argmin(axis=1)].tolist()
        self._parts = [
            (fit.weights(penalty), fit.mean, fit.level)
            for fit, penalty in zip(fits, penalties, strict=True)
        ]

    def predict(self, contexts: FloatArray) -> FloatArray:
        """Expected qualities, (m, d) gives (m, K)."""
        return np.column_stack(
            [level + (contexts - mean) @ weights for weights, mean, level in self._parts]
        )


def _make(seed: int, *, shared: bool) -> RidgeModel:
    return RidgeModel(seed, shared=shared)


KIND = QualityKind(
    "ridge, leave-one-out",
    None,
    {"one penalty a model": {"shared": False}, "one penalty for all": {"shared": True}},
    _make,
)
