"""A basis: long contexts, centred and reduced to their main directions, with a bias in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm import inner

if TYPE_CHECKING:
    from metallm.core.arrays import Context, FloatArray


SAMPLE = 20_000
"""Rows that directions are found on, evenly spaced where there are more."""

CHUNK = 8192
"""Rows that are projected at once: no copy of all contexts in float64 is made."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The map from a context x to z = (1, Vᵀ(x − m)).

    Args:
        mean: m, shape (D,).
        directions: V, shape (D, d), orthonormal columns, widest spread first.
    """

    mean: FloatArray
    directions: FloatArray

    @classmethod
    def blank(cls, context_dim: int) -> Basis:
        """No direction at all: z is the bias alone, as long as nothing is known of contexts."""
        return cls(np.zeros(context_dim), np.zeros((context_dim, 0)))

    @classmethod
    def of(cls, contexts: Context, dim: int) -> Basis:
        """Mean and the first `dim` principal directions of contexts, shape (n, D)."""
        if len(contexts) > SAMPLE:
            contexts = contexts[:: -(-len(contexts) // SAMPLE)]
        mean = contexts.mean(axis=0, dtype=np.float64)
        # second moments less the mean's: no centred copy of the contexts is made
        second = (contexts.T @ contexts).astype(np.float64) / len(contexts)
        _, vectors = np.linalg.eigh(second - np.outer(mean, mean))
        directions = vectors[:, ::-1][:, :dim]
        # eigh leaves the signs open; fixing them keeps rebuilt states comparable
        largest = np.abs(directions).argmax(axis=0)
        signs = np.sign(directions[largest, np.arange(directions.shape[1])])
        return cls(mean, np.ascontiguousarray(directions * signs))

    @property
    def dim(self) -> int:
        """Length of z, the bias included."""
        return int(self.directions.shape[1]) + 1

    def project(self, contexts: Context) -> FloatArray:
        """Z of contexts: shape (n, D) gives (n, d + 1), the bias first."""
        z = np.empty((len(contexts), self.dim))
        if len(contexts) == 1:
            inner.project(contexts, self.mean, self.directions, z)
            return z
        z[:, 0] = 1.0
        for start in range(0, len(contexts), CHUNK):
            part = slice(start, start + CHUNK)
            np.matmul(contexts[part] - self.mean, self.directions, out=z[part, 1:])
        return z
