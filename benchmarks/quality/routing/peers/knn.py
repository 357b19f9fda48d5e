"""kNN as RouterBench routes: the mean quality of the k nearest queries by cosine.

Source: RouterBench (arXiv 2403.12031), section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routing.peers.quality import QualityKind, filled

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray

BATCH = 512


class NearestModel:
    """All rows kept, searched one by one.

    Args:
        seed: of nothing; it is deterministic.
        neighbours: k.
    """

    def __init__(self, seed: int, *, neighbours: int) -> None:
        del seed
        self._k = neighbours
        self._rows: FloatArray = np.zeros((0, 0))
        self._quality: FloatArray = np.zeros((0, 0))

    def fit(self, contexts: FloatArray, quality: FloatArray) -> None:
        """Keep the rows."""
        self._rows, self._quality = _unit(contexts), filled(quality)

    def predict(self, contexts: FloatArray) -> FloatArray:
        """Mean qualities of the nearest rows, (m, d) gives (m, K)."""
        x, k = _unit(contexts), min(self._k, len(self._rows))
        parts = []
        for start in range(0, len(x), BATCH):
            likeness = x[start : start + BATCH] @ self._rows.T
            nearest = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
            parts.append(self._quality[nearest].mean(axis=1))
        return np.concatenate(parts)


def _unit(x: FloatArray) -> FloatArray:
    unit: FloatArray = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return unit


def _make(seed: int, *, neighbours: int) -> NearestModel:
    return NearestModel(seed, neighbours=neighbours)


KIND = QualityKind(
    "kNN (RouterBench)",
    None,
    {f"k = {k}": {"neighbours": k} for k in (10, 40, 100, 200)},
    _make,
)
