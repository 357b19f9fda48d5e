"""Landmarks: a kernel's features from some of the rows (the Nyström approximation).

With landmarks Z of shape (m, d) and the kernel k(x, z) = exp(−|x − z|² / 2w²), the features of x
are φ(x) = k(x, Z) K^(−½) with K = k(Z, Z), so that φ(x)·φ(y) is k(x, y) wherever Z covers the
space (Williams and Seeger 2001). Ridge on φ is kernel ridge at the price of m features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray

WIDTH = 0.5
"""w, for contexts of about unit length; .5 and .7 were measured to tie, 1 is too smooth."""

JITTER = 1e-6
"""Keeps K invertible where two landmarks coincide."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The map from reduced contexts to (1, φ).

    Args:
        points: Z, shape (m, d).
        root: K^(−½), shape (m, m), up to a rotation.
    """

    points: FloatArray
    root: FloatArray

    @classmethod
    def none(cls, dim: int) -> Landmarks:
        """No landmarks in a space of `dim` directions: (1, φ) is the bias alone."""
        return cls(np.zeros((0, dim)), np.zeros((0, 0)))

    @classmethod
    def among(cls, rows: FloatArray, count: int, rng: np.random.Generator) -> Landmarks:
        """Some of the rows, shape (n, d), as landmarks.

        Args:
            rows: n of them, at least `count`.
            count: m.
            rng: picks them.
        """
        points = rows[rng.choice(len(rows), count, replace=False)]
        values, vectors = np.linalg.eigh(_kernel(points, points) + JITTER * np.eye(count))
        return cls(points, vectors / np.sqrt(np.maximum(values, JITTER)))

    def features(self, rows: FloatArray) -> FloatArray:
        """(1, φ) of rows, shape (n, d) gives (n, m + 1), the bias first."""
        out = np.empty((len(rows), len(self.points) + 1))
        out[:, 0] = 1.0
        np.matmul(_kernel(rows, self.points), self.root, out=out[:, 1:])
        return out


def _kernel(x: FloatArray, z: FloatArray) -> FloatArray:
    squared = (x * x).sum(axis=1)[:, None] + (z * z).sum(axis=1) - 2.0 * (x @ z.T)
    values: FloatArray = np.exp(np.maximum(squared, 0.0) / (-2.0 * WIDTH * WIDTH))
    return values
