"""Kernel ridge per arm, at the price of some features (the Nyström approximation).

With landmarks Z of shape (m, d) and the kernel k(x, z) = exp(−|x − z|² / 2w²), the features of x
are φ(x) = k(x, Z) K^(−½) with K = k(Z, Z), so that φ(x)·φ(y) is k(x, y) wherever Z covers the
space (Williams and Seeger 2001). Ridge on (1, φ) then is kernel ridge at the price of m features.

Key to the letters, for each of K arms:

    l2     penalties Λ             shape (m + 1,), the bias's first
    P      (ΣφφᵀW + Λ)⁻¹           shape (K, m + 1, m + 1); its lower half counts, diagonal included
    theta                          shape (K, m + 1)
    folded K^(−½) theta            shape (K, m): an estimate needs k(x, Z) alone, and no φ
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm import inner
from metallm.inner.pure import near
from metallm.learners.penalty import KERNEL_GRID, SAMPLE, SETS, Spectrum, leave_one_out_penalty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.learners.sets import RowSet

WIDTH = 0.5
"""w, for contexts of about unit length; .5 and .7 were measured to tie, 1 is too smooth."""

SCALE = 0.5 / (WIDTH * WIDTH)

JITTER = 1e-6
"""Keeps K invertible where two landmarks coincide."""


class KernelRidge:
    """Kernel ridge of K arms under one set of landmarks.

    Args:
        points: Z, shape (m, d).
        arms: K, 0 and up; they know the prior alone until `fit` or `update`.
        prior: an untaught arm's estimate.
        bias_penalty: Λ's entry for the bias.
    """

    def __init__(self, points: FloatArray, arms: int, *, prior: float, bias_penalty: float) -> None:
        m = len(points)
        self.points = points
        self.root = _root(points)
        self.l2 = np.full(m + 1, bias_penalty)
        self.prior = prior
        self.P: FloatArray = np.zeros((0, m + 1, m + 1))
        self.theta: FloatArray = np.zeros((0, m + 1))
        self._squares: FloatArray = (points * points).sum(axis=1)
        self.folded: FloatArray = np.zeros((0, m))
        for _ in range(arms):
            self.add_arm()

    def add_arm(self) -> None:
        """One more arm, which knows the prior alone."""
        untaught = np.zeros((1, len(self.l2)))
        untaught[0, 0] = self.prior
        self.P = np.concatenate([self.P, np.diag(1.0 / self.l2)[None]])
        self.theta = np.concatenate([self.theta, untaught])
        self.folded = np.concatenate([self.folded, np.zeros((1, len(self.points)))])

    def predict(self, x: FloatArray) -> FloatArray:
        """Expected outcomes, x of shape (n, d) gives (n, K)."""
        out = np.empty((len(x), len(self.folded)))
        self.mix_in(x, out, 0)
        return out

    def mix_in(self, x: FloatArray, out: FloatArray, others: int) -> None:
        """Turn a sum of other estimates into their mean with these.

        Args:
            x: shape (n, d).
            out: shape (n, K); sums of estimates.
            others: how many estimates each of them is a sum of; with 0 `out` is not read.
        """
        if len(x) == 1:
            inner.kernel_predict(
                x, self.points, self._squares, self.folded, self.theta, out, SCALE, others
            )
            return
        predicted = self.kernel(x) @ self.folded.T
        predicted += self.theta[:, 0]
        if others:
            predicted += out
            predicted /= others + 1
        out[:] = predicted

    def update(self, arm: int, x: FloatArray, y: float, weight: float = 1.0) -> None:
        """Learn one outcome of a context, shape (d,); weight −1 takes one back."""
        inner.kernel_update(
            x, self.points, self._squares, self.root, self.P, self.theta, self.folded,
            arm, y, weight, SCALE,
        )  # fmt: skip

    def fit(self, z: FloatArray, sets: Sequence[RowSet]) -> None:
        """Choose the penalty by leave-one-out and learn, in place of all that was known.

        Args:
            z: all rows, shape (n, d).
            sets: which arms answered which of them.
        """
        known = [(each, *self._sums(z, each)) for each in sets]
        spectra = (self._spectrum(z, *each) for each in known[:SETS])
        self.l2[1:] = leave_one_out_penalty(spectra, KERNEL_GRID)
        # an untried arm first, whatever was known of any
        self.P[:] = np.diag(1.0 / self.l2)
        self.theta[:] = 0.0
        self.theta[:, 0] = self.prior
        for rows, gram, moment in known:
            inverse = np.linalg.inv(gram + np.diag(self.l2))
            inverse = (inverse + inverse.T) / 2.0
            moment[0] += self.l2[0] * self.prior
            for place, arm in enumerate(rows.arms):
                self.P[arm] = inverse
                self.theta[arm] = inverse @ moment[:, place]
        self.folded = self.theta[:, 1:] @ self.root.T

    def kernel(self, x: FloatArray) -> FloatArray:
        """k(x, Z), x of shape (n, d) gives (n, m)."""
        return near(x, self.points, self._squares, SCALE)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "points": self.points,
            "l2": self.l2.copy(),
            "prior": np.array(self.prior),
            "P": np.tril(self.P) + np.tril(self.P, -1).transpose(0, 2, 1),
            "theta": self.theta.copy(),
            "folded": self.folded.copy(),
        }

    @classmethod
    def loaded(cls, state: Mapping[str, NDArray[Any]]) -> KernelRidge:
        """As saved by `state`."""
        kernel = cls(state["points"], 0, prior=float(state["prior"]), bias_penalty=1.0)
        kernel.l2 = np.array(state["l2"])
        for key in ("P", "theta", "folded"):
            setattr(kernel, key, np.array(state[key]))
        return kernel

    def _features(self, x: FloatArray) -> FloatArray:
        """(1, φ) of x, shape (n, d) gives (n, m + 1)."""
        features = np.empty((len(x), len(self.l2)))
        features[:, 0] = 1.0
        np.matmul(self.kernel(x), self.root, out=features[:, 1:])
        return features

    def _sums(self, z: FloatArray, rows: RowSet) -> tuple[FloatArray, FloatArray]:
        """Σ w φφᵀ of shape (m + 1, m + 1), and Σ w φ yᵀ, with the bias, of one set of rows."""
        size = len(self.l2)
        gram, moment = np.zeros((size, size)), np.zeros((size, len(rows.arms)))
        # of k(x, Z) first, which the root turns into those of φ at the end
        for part in rows.chunks():
            near = np.empty((len(part), size))
            near[:, 0] = 1.0
            near[:, 1:] = self.kernel(z[part.rows])
            weighted = near if part.weight is None else near * part.weight[:, None]
            gram += weighted.T @ near
            moment += weighted.T @ part.y
        gram[1:] = self.root.T @ gram[1:]
        gram[:, 1:] = gram[:, 1:] @ self.root
        moment[1:] = self.root.T @ moment[1:]
        return gram, moment

    def _spectrum(
        self, z: FloatArray, rows: RowSet, gram: FloatArray, moment: FloatArray
    ) -> Spectrum:
        seen = rows.sample(SAMPLE)
        features = self._features(z[rows.rows[seen]])[:, 1:]
        sums = (gram[1:, 0], np.asarray(moment[0]), max(float(gram[0, 0]), 1.0))
        return Spectrum.of(gram[1:, 1:], moment[1:], sums, features, rows.y[seen])


def _root(points: FloatArray) -> FloatArray:
    """K^(−½) up to a rotation, shape (m, m)."""
    squares = (points * points).sum(axis=1)
    apart = squares[:, None] + squares - 2.0 * (points @ points.T)
    kernel = np.exp(np.maximum(apart, 0.0) / (-2.0 * WIDTH * WIDTH))
    values, vectors = np.linalg.eigh(kernel + JITTER * np.eye(len(points)))
    return np.ascontiguousarray(vectors / np.sqrt(np.maximum(values, JITTER)))
