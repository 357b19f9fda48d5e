"""Ridge regression per arm on sufficient statistics, with a shared prior.

Key to the letters, for each of K arms and contexts z of length d (the first entry is the bias):

    A      Σ w z zᵀ                shape (K, d, d)
    b      Σ w y z                 shape (K, d)
    n      Σ w                     shape (K,)
    sy     Σ w y                   shape (K,)
    syy    Σ w y²                  shape (K,)
    l2     penalties Λ             shape (d,), the bias's first: weak there, strong elsewhere
    prior  θ₀, the prior mean      shape (d,), the pooled fit: an untried arm looks like the others
    P      (A + Λ)⁻¹               shape (K, d, d)
    theta  P (b + Λ θ₀)            shape (K, d)

Sums add exactly over shards; P and theta follow from them. A rank-one update keeps P and theta
current by Sherman and Morrison (1950). Source of the estimator: Hoerl and Kennard (1970); as a
posterior, Gaussian weights with mean θ₀ and covariance σ² Λ⁻¹.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray

DEFAULT_VARIANCE = 0.25
"""Residual variance before there is any: that of a fair coin, the widest a 0/1 outcome can have."""

VARIANCE_WEIGHT = 10.0
"""Outcomes that the default variance counts for."""


class ArmRidge:
    """Ridge statistics of K arms, stacked.

    Args:
        arms: K, 0 and up.
        l2: shape (d,), each above 0.
        prior: shape (d,).
    """

    def __init__(self, arms: int, l2: FloatArray, prior: FloatArray) -> None:
        d = len(l2)
        self.l2 = np.array(l2, dtype=np.float64)
        self.prior = np.array(prior, dtype=np.float64)
        self.A: FloatArray = np.zeros((arms, d, d))
        self.b: FloatArray = np.zeros((arms, d))
        self.n = np.zeros(arms)
        self.sy = np.zeros(arms)
        self.syy = np.zeros(arms)
        self._residual: FloatArray | None = None
        self.P: FloatArray = np.zeros((arms, d, d))
        self.theta: FloatArray = np.zeros((arms, d))
        self.refactor()

    @property
    def arms(self) -> int:
        """K."""
        return len(self.n)

    def add_arm(self) -> None:
        """One more arm, which knows the prior alone."""
        self._residual = None
        d = len(self.l2)
        self.A = np.concatenate([self.A, np.zeros((1, d, d))])
        self.b = np.concatenate([self.b, np.zeros((1, d))])
        self.n, self.sy, self.syy = (np.append(sums, 0.0) for sums in (self.n, self.sy, self.syy))
        self.P = np.concatenate([self.P, np.diag(1.0 / self.l2)[None]])
        self.theta = np.concatenate([self.theta, self.prior[None]])

    def add(self, arm: int, z: FloatArray, y: FloatArray, weight: FloatArray | None = None) -> None:
        """Add a batch to the sums of one arm; `refactor` makes it count.

        Args:
            arm: position of the arm.
            z: shape (m, d).
            y: shape (m,).
            weight: shape (m,); None counts each row once.
        """
        self._residual = None
        w = np.ones(len(y)) if weight is None else weight
        weighted = z * w[:, None]
        self.A[arm] += weighted.T @ z
        self.b[arm] += weighted.T @ y
        self.n[arm] += w.sum()
        self.sy[arm] += w @ y
        self.syy[arm] += w @ (y * y)

    def refactor(self) -> None:
        """Compute P and theta afresh from the sums."""
        self._residual = None
        if self.arms == 0:
            return
        precision = self.A + np.diag(self.l2)
        inverse: FloatArray = np.linalg.inv(precision).astype(np.float64, copy=False)
        target = (self.b + self.l2 * self.prior)[..., None]
        solved: FloatArray = np.linalg.solve(precision, target).astype(np.float64, copy=False)
        self.P = (inverse + inverse.transpose(0, 2, 1)) / 2.0
        self.theta = solved[..., 0]

    def update(self, arm: int, z: FloatArray, y: float, weight: float = 1.0) -> None:
        """Learn one outcome by a rank-one update; weight −1 takes one back.

        Args:
            arm: position of the arm.
            z: shape (d,).
            y: the outcome.
            weight: above −1 / (zᵀ P z).
        """
        self._residual = None
        P = self.P[arm]
        Pz = P @ z
        gain = weight / (1.0 + weight * float(z @ Pz))
        # theta moves along P z by the prediction's error: no second multiplication by P
        self.theta[arm] += (gain * (y - float(z @ self.theta[arm]))) * Pz
        P -= np.outer(gain * Pz, Pz)
        self.A[arm] += np.outer(weight * z, z)
        self.b[arm] += (weight * y) * z
        self.n[arm] += weight
        self.sy[arm] += weight * y
        self.syy[arm] += weight * y * y

    def residual(self) -> FloatArray:
        """Sum of squared residuals of each arm, shape (K,); kept until something is learned."""
        if self._residual is None:
            through = np.matmul(self.A, self.theta[..., None])[..., 0]
            explained = (self.theta * (2.0 * self.b - through)).sum(axis=1)
            self._residual = np.maximum(self.syy - explained, 0.0)
        return self._residual

    def variance(self) -> FloatArray:
        """Residual variance σ² of each arm, shrunk to the default, shape (K,).

        It is not pooled: an arm that always succeeds tells nothing about how sure another is.
        """
        shrunk: FloatArray = (VARIANCE_WEIGHT * DEFAULT_VARIANCE + self.residual()) / (
            VARIANCE_WEIGHT + self.n
        )
        return shrunk

    def predict(self, z: FloatArray) -> FloatArray:
        """Expected outcomes, z of shape (m, d) gives (m, K)."""
        predicted: FloatArray = z @ self.theta.T
        return predicted

    def spread(self, z: FloatArray) -> FloatArray:
        """√(zᵀ P z) for each arm, z of shape (m, d) gives (m, K); times σ the standard error."""
        through = np.matmul(z[None], self.P)
        spread: FloatArray = np.sqrt(np.maximum((through * z[None]).sum(axis=2).T, 0.0))
        return spread
