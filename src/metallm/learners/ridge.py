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

Two stacks hold all of it, so that an outcome is one outer product added to each of them, and a
query one product of a matrix and a vector for all arms together:

    sums     Σ w v vᵀ of v = (z, y, 1)   shape (K, d + 2, d + 2); A, b, n, sy, syy are its parts
    solved   P, and theta below it       shape (K, d + 1, d)

solved z is (P z, the estimate ŷ), and solved −= (P z, ŷ − y) (P z)ᵀ w / (1 + w zᵀ P z) learns.
`metallm.inner` does both for one query and one outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm import inner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.core.arrays import FloatArray

DEFAULT_VARIANCE = 0.25
"""Residual variance before there is any: that of a fair coin, the widest a 0/1 outcome can have."""

VARIANCE_WEIGHT = 10.0
"""Outcomes that the default variance counts for."""


class _Part:
    """A part of a stack, read and set as an array of its own; what is read is a view.

    Args:
        stack: the attribute that holds the stack.
        place: from d to the part's place in the stack.
    """

    def __init__(self, stack: str, place: Callable[[int], Any]) -> None:
        self._stack = stack
        self._place = place

    def __get__(self, ridge: ArmRidge, owner: type[ArmRidge]) -> FloatArray:
        stack: FloatArray = getattr(ridge, self._stack)
        part: FloatArray = stack[self._place(len(ridge.l2))]
        return part

    def __set__(self, ridge: ArmRidge, value: FloatArray) -> None:
        ridge.forget_residuals()
        getattr(ridge, self._stack)[self._place(len(ridge.l2))] = value


class ArmRidge:
    """Ridge statistics of K arms, stacked.

    Args:
        arms: K, 0 and up.
        l2: shape (d,), each above 0.
        prior: shape (d,).
    """

    A = _Part("_sums", lambda d: np.s_[:, :d, :d])
    b = _Part("_sums", lambda d: np.s_[:, d, :d])
    syy = _Part("_sums", lambda d: np.s_[:, d, d])
    sy = _Part("_sums", lambda d: np.s_[:, d, d + 1])
    n = _Part("_sums", lambda d: np.s_[:, d + 1, d + 1])
    P = _Part("_solved", lambda d: np.s_[:, :d, :])
    theta = _Part("_solved", lambda d: np.s_[:, d, :])

    def __init__(self, arms: int, l2: FloatArray, prior: FloatArray) -> None:
        d = len(l2)
        self._l2 = np.array(l2, dtype=np.float64)
        self._prior = np.array(prior, dtype=np.float64)
        self._sums: FloatArray = np.zeros((arms, d + 2, d + 2))
        self._solved: FloatArray = np.zeros((arms, d + 1, d))
        self._bind()
        self.refactor()

    @property
    def arms(self) -> int:
        """K."""
        return len(self._sums)

    @property
    def l2(self) -> FloatArray:
        """Penalties Λ, shape (d,)."""
        return self._l2

    @l2.setter
    def l2(self, value: FloatArray) -> None:
        self._l2[:] = value
        self.forget_residuals()

    @property
    def prior(self) -> FloatArray:
        """The prior mean θ₀, shape (d,)."""
        return self._prior

    @prior.setter
    def prior(self, value: FloatArray) -> None:
        self._prior[:] = value
        self.forget_residuals()

    def add_arm(self) -> None:
        """One more arm, which knows the prior alone."""
        d = len(self.l2)
        untaught = np.concatenate([np.diag(1.0 / self.l2), self.prior[None]])
        self._sums = np.concatenate([self._sums, np.zeros((1, d + 2, d + 2))])
        self._solved = np.concatenate([self._solved, untaught[None]])
        self._bind()

    def add(self, arm: int, z: FloatArray, y: FloatArray, weight: FloatArray | None = None) -> None:
        """Add a batch to the sums of one arm; `refactor` makes it count.

        Args:
            arm: position of the arm.
            z: shape (m, d).
            y: shape (m,).
            weight: shape (m,); None counts each row once.
        """
        self.forget_residuals()
        v = np.column_stack([z, y, np.ones(len(y))])
        weighted = v if weight is None else v * weight[:, None]
        self._sums[arm] += weighted.T @ v

    def add_set(
        self, arms: Sequence[int], z: FloatArray, y: FloatArray, weight: FloatArray | None = None
    ) -> None:
        """Add the same rows to several arms, each with outcomes of its own, as `add` does for one.

        Args:
            arms: positions of S arms.
            z: shape (m, d).
            y: shape (m, S).
            weight: shape (m,); None counts each row once.
        """
        self.forget_residuals()
        d, w = len(self.l2), np.ones(len(z)) if weight is None else weight
        weighted = z if weight is None else z * w[:, None]
        shared = np.zeros((d + 2, d + 2))
        shared[:d, :d] = weighted.T @ z
        shared[d + 1, :d] = shared[:d, d + 1] = w @ z
        shared[d + 1, d + 1] = w.sum()
        b, sy, syy = weighted.T @ y, w @ y, w @ (y * y)
        for place, arm in enumerate(arms):
            sums = self._sums[arm]
            sums += shared
            sums[d, :d] += b[:, place]
            sums[:d, d] += b[:, place]
            sums[d, d] += syy[place]
            sums[d, d + 1] += sy[place]
            sums[d + 1, d] += sy[place]

    def refactor(self) -> None:
        """Compute P and theta afresh from the sums."""
        self.forget_residuals()
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
        self._loops.update(arm, z, y, weight)

    def forget_residuals(self) -> None:
        """Have all residuals computed afresh when they are next asked for."""
        self._loops.forget()

    def residual(self) -> FloatArray:
        """Sum of squared residuals of each arm, shape (K,); kept until an arm learns."""
        self._loops.refresh()
        return self._residual

    def variance(self) -> FloatArray:
        """Residual variance σ² of each arm, shrunk to the default, shape (K,).

        It is not pooled: an arm that always succeeds tells nothing about how sure another is.
        """
        self._loops.refresh()
        return self._variance

    def predict(self, z: FloatArray) -> FloatArray:
        """Expected outcomes, z of shape (m, d) gives (m, K)."""
        predicted: FloatArray = z @ self.theta.T
        return predicted

    def spread(self, z: FloatArray) -> FloatArray:
        """√(zᵀ P z) for each arm, z of shape (m, d) gives (m, K); times σ the standard error."""
        return self.predict_with_spread(z)[1]

    def predict_with_spread(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """`predict` and `spread` in one, each (m, K)."""
        if len(z) != 1:
            return self.predict(z), np.sqrt(self._squares(z))
        out = np.empty((2, 1, len(self._solved)))
        self._loops.moments(z, out, 0)
        return out[0], out[1]

    def predict_with_error(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """`predict` and its standard error √(σ² zᵀ P z), each (m, K)."""
        if len(z) != 1:
            return self.predict(z), np.sqrt(self._squares(z) * self.variance())
        out = np.empty((2, 1, len(self._solved)))
        self._loops.moments(z, out, 1)
        return out[0], out[1]

    def _squares(self, z: FloatArray) -> FloatArray:
        """The products zᵀ P z, shape (m, K)."""
        squares: FloatArray = np.vecdot(np.matmul(z[None], self.P), z).T
        return np.maximum(squares, 0.0)

    def _bind(self) -> None:
        """Loops for the stacks as they are now."""
        self._residual, self._variance = np.zeros(self.arms), np.zeros(self.arms)
        self._loops = inner.RidgeLoops(
            self._solved, self._sums, self._l2, self._prior, self._residual, self._variance,
            DEFAULT_VARIANCE, VARIANCE_WEIGHT,
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """All but the loops, which a copy has to make for its own stacks."""
        return {key: value for key, value in self.__dict__.items() if key != "_loops"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()
