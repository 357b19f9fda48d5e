"""How strongly to shrink: the ridge penalty with the least leave-one-out error.

One eigendecomposition per arm gives the error for every penalty on a grid: with A = V S Vᵀ and
l the penalty, the fit of row i is zᵢᵀ V (S + l)⁻¹ Vᵀ b, its leverage hᵢ = zᵢᵀ V (S + l)⁻¹ Vᵀ zᵢ,
and its error with itself left out (yᵢ − fitᵢ) / (1 − hᵢ) (Allen 1974, PRESS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metallm.core.arrays import FloatArray

GRID: FloatArray = np.geomspace(10.0, 300.0, 12)
"""Penalties that are tried, for contexts of about unit length. The weak end is kept off: with few
outcomes the least leave-one-out error is often a lucky one at hardly any shrinkage. So is the
strong end: it says that contexts do not matter for sure, and nothing would be tried to find out."""


KERNEL_GRID: FloatArray = np.geomspace(1.0, 100.0, 12)
"""Penalties that are tried for a kernel's features, whose squares sum to 1 at most."""


def leave_one_out_penalty(
    arms: Iterable[tuple[FloatArray, FloatArray]], grid: FloatArray = GRID
) -> float:
    """The penalty on a grid with the least squared leave-one-out error, summed over arms.

    Args:
        arms: for each arm its contexts without the bias, shape (m, d), and outcomes, shape (m,).
        grid: penalties to try, rising.
    """
    error = np.zeros(len(grid))
    for z, y in arms:
        if len(y) > 1:
            error += _press(z, y, grid)
    # from the strong end: where the data tell nothing, shrink
    return float(grid[::-1][error[::-1].argmin()])


def _press(z: FloatArray, y: FloatArray, grid: FloatArray) -> FloatArray:
    """Squared leave-one-out errors for each penalty on the grid, summed over rows, shape (g,)."""
    # the bias takes 1/n of leverage: rows and outcomes are centred first
    centred, residual = z - z.mean(axis=0), y - y.mean()
    spectrum, vectors = np.linalg.eigh(centred.T @ centred)
    rotated = centred @ vectors
    projected = rotated.T @ residual
    shrink = 1.0 / (np.maximum(spectrum, 0.0)[:, None] + grid)  # (d, g)
    fits = rotated @ (shrink * projected[:, None])  # (m, g)
    leverage = (rotated * rotated) @ shrink + 1.0 / len(y)
    left_out = (residual[:, None] - fits) / np.maximum(1.0 - leverage, 1e-6)
    errors: FloatArray = (left_out * left_out).sum(axis=0)
    return errors
