"""What a ridge does for one query and one outcome (learners/ridge.py has the letters)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check, check_place

if TYPE_CHECKING:
    from metallm.inner.pure.checks import FloatArray


class RidgeLoops:
    """What `ArmRidge` does for one query and one outcome, on its own arrays.

    Args:
        solved: P, and theta below it, shape (K, d + 1, d).
        sums: Σ w v vᵀ of v = (z, y, 1), shape (K, d + 2, d + 2).
        l2: shape (d,).
        prior: shape (d,).
        residual: shape (K,), computed here.
        variance: shape (K,), computed here.
        default_variance: of an arm without outcomes.
        variance_weight: outcomes that it counts for.
    """

    def __init__(
        self,
        solved: FloatArray,
        sums: FloatArray,
        l2: FloatArray,
        prior: FloatArray,
        residual: FloatArray,
        variance: FloatArray,
        default_variance: float,
        variance_weight: float,
    ) -> None:
        arms, d = len(solved), solved.shape[2]
        check("solved", solved, (arms, d + 1, d))
        check("sums", sums, (arms, d + 2, d + 2))
        check("l2", l2, (d,))
        check("prior", prior, (d,))
        check("residual", residual, (arms,))
        check("variance", variance, (arms,))
        self._solved, self._sums, self._l2, self._prior = solved, sums, l2, prior
        self._residual, self._variance = residual, variance
        self._weight, self._default = variance_weight, variance_weight * default_variance
        self._stale = set(range(arms))
        # where updates work: v, and an outer product for each stack
        self._v = np.ones(d + 2)
        self._sums_step, self._solved_step = np.empty((d + 2, d + 2)), np.empty((d + 1, d))

    def forget(self) -> None:
        """Have all residuals computed afresh."""
        self._stale = set(range(len(self._solved)))

    def refresh(self) -> None:
        """Compute residuals and variances of the arms that learned since.

        With (A + Λ) θ = b + Λ θ₀ a residual is syy − θᵀ (b + Λ (θ − θ₀)): no product with A.
        """
        d = len(self._l2)
        for arm in self._stale:
            theta, sums = self._solved[arm, d], self._sums[arm]
            explained = theta.dot(self._l2 * (theta - self._prior) + sums[d, :d])
            self._residual[arm] = left = max(float(sums[d, d]) - float(explained), 0.0)
            self._variance[arm] = (self._default + left) / (
                self._weight + float(sums[d + 1, d + 1])
            )
        self._stale.clear()

    def moments(self, z: FloatArray, out: FloatArray, with_error: int) -> None:
        """Estimates of a query and √(zᵀ P z), times σ where that is wanted.

        Args:
            z: shape (1, d).
            out: shape (2, 1, K).
            with_error: 1 where the second is the standard error √(σ² zᵀ P z).
        """
        arms, d = len(self._solved), len(self._l2)
        check("z", z, (1, d))
        check("out", out, (2, 1, arms))
        (row,) = z
        # the stack as one tall matrix: numpy then makes one call of BLAS instead of K
        moved = self._solved.reshape(-1, d).dot(row).reshape(-1, d + 1)
        squares = np.maximum(moved[:, :d].dot(row), 0.0)
        if with_error:
            self.refresh()
            squares *= self._variance
        out[0, 0] = moved[:, d]
        np.sqrt(squares, out=out[1, 0])

    def update(self, arm: int, z: FloatArray, y: float, weight: float) -> None:
        """Learn one outcome by a rank-one update.

        solved −= (P z, ŷ − y) (P z)ᵀ w / (1 + w zᵀ P z), and sums += w v vᵀ.

        Args:
            arm: position of the arm.
            z: shape (d,).
            y: the outcome.
            weight: above −1 / (zᵀ P z).
        """
        d = len(self._l2)
        check("z", z, (d,))
        check_place("arm", arm, len(self._solved))
        solved, sums, v = self._solved[arm], self._sums[arm], self._v
        moved = solved.dot(z)  # (P z, ŷ)
        Pz = moved[:d]
        step = Pz * (weight / (1.0 + weight * Pz.dot(z)))
        moved[d] -= y
        # an outer product as a product of matrices: BLAS takes half of broadcasting's time
        np.subtract(solved, moved[:, None].dot(step[None], out=self._solved_step), out=solved)
        v[:d] = z
        v[d] = y
        other = v if weight == 1.0 else weight * v
        np.add(sums, v[:, None].dot(other[None], out=self._sums_step), out=sums)
        self._stale.add(arm)
