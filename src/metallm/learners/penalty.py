"""How strongly to shrink: the ridge penalty with the least leave-one-out error.

One eigendecomposition per set of rows gives the error for every penalty on a grid: with the Gram
matrix A = V S Vᵀ and l the penalty, the fit of row i is zᵢᵀ V (S + l)⁻¹ Vᵀ b, its leverage
hᵢ = zᵢᵀ V (S + l)⁻¹ Vᵀ zᵢ, and its error with itself left out (yᵢ − fitᵢ) / (1 − hᵢ) (Allen 1974,
PRESS). Rows and outcomes are centred first: the bias takes a leverage of 1/n.
"""

from __future__ import annotations

from dataclasses import dataclass
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

SAMPLE = 4096
"""Rows of a set whose errors are looked at; all of them count in the fit."""

SETS = 6
"""Sets of rows that have a say, the largest; each costs an eigendecomposition."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """What the leave-one-out errors of one set of rows follow from.

    Args:
        values: S, shape (d,), eigenvalues of the centred Gram matrix.
        vectors: V, shape (d, d).
        projected: Vᵀ b for each arm of the set, b from centred rows and outcomes, shape (d, S).
        z: some of the rows, centred, shape (m, d).
        y: their outcomes, centred, shape (m, S).
        n: how many rows the set has, or the sum of their weights.
    """

    values: FloatArray
    vectors: FloatArray
    projected: FloatArray
    z: FloatArray
    y: FloatArray
    n: float

    @classmethod
    def of(
        cls,
        gram: FloatArray,
        moment: FloatArray,
        sums: tuple[FloatArray, FloatArray, float],
        z: FloatArray,
        y: FloatArray,
    ) -> Spectrum:
        """From sums over all rows of a set, and some of its rows.

        Args:
            gram: Σ z zᵀ, shape (d, d).
            moment: Σ z yᵀ, shape (d, S).
            sums: Σ z of shape (d,), Σ y of shape (S,), and n.
            z: some rows without the bias, shape (m, d).
            y: their outcomes, shape (m, S).
        """
        z_sum, y_sum, n = sums
        values, vectors = np.linalg.eigh(gram - np.outer(z_sum, z_sum) / n)
        centred = moment - np.outer(z_sum, y_sum) / n
        projected = vectors.T @ centred
        return cls(np.maximum(values, 0.0), vectors, projected, z - z_sum / n, y - y_sum / n, n)

    def left_out(self, penalty: float) -> FloatArray:
        """Errors of the rows in `z`, each with itself left out, shape (m, S)."""
        rotated = self.z @ self.vectors
        return self._errors(rotated, penalty)

    def press(self, grid: FloatArray) -> FloatArray:
        """Squared errors, summed over rows and arms, for each penalty of a grid, shape (g,)."""
        rotated = self.z @ self.vectors
        errors = (self._errors(rotated, float(penalty)) for penalty in grid)
        return np.array([np.vdot(each, each) for each in errors]) * (self.n / len(self.z))

    def _errors(self, rotated: FloatArray, penalty: float) -> FloatArray:
        shrink = 1.0 / (self.values + penalty)
        fits = rotated @ (shrink[:, None] * self.projected)
        leverage = (rotated * rotated) @ shrink + 1.0 / self.n
        errors: FloatArray = (self.y - fits) / np.maximum(1.0 - leverage, 1e-6)[:, None]
        return errors


def leave_one_out_penalty(spectra: Iterable[Spectrum], grid: FloatArray = GRID) -> float:
    """The penalty on a grid with the least squared leave-one-out error, summed over sets.

    Args:
        spectra: of the sets of rows that have a say.
        grid: penalties to try, rising.
    """
    error = np.zeros(len(grid))
    for spectrum in spectra:
        if spectrum.n > 1:
            error += spectrum.press(grid)
    # from the strong end: where the data tell nothing, shrink
    return float(grid[::-1][error[::-1].argmin()])
