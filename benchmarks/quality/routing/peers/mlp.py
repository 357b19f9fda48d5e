"""The MLP router of RouterBench: one network, one output per model, by scikit-learn.

Source: RouterBench (arXiv 2403.12031), section 4.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from routing.peers.quality import QualityKind, filled

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray

SCALE = 0.3
"""Contexts are divided by this: with unit spread in every entry the network overfits far worse."""


class MlpModel:
    """MLPRegressor on centred contexts; a missing quality is the model's mean.

    Args:
        seed: of its weights and batches.
        options: of MLPRegressor.
    """

    def __init__(self, seed: int, **options: Any) -> None:
        from sklearn.neural_network import MLPRegressor

        self._network: Any = MLPRegressor(random_state=seed % 2**32, **options)
        self._shift: FloatArray = np.zeros(0)

    def fit(self, contexts: FloatArray, quality: FloatArray) -> None:
        """Train the network."""
        self._shift = contexts.mean(axis=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it stopped at its 200 rounds is its default
            self._network.fit((contexts - self._shift) / SCALE, filled(quality))

    def predict(self, contexts: FloatArray) -> FloatArray:
        """Expected qualities, (m, d) gives (m, K)."""
        found = self._network.predict((contexts - self._shift) / SCALE)
        return np.asarray(found, dtype=np.float64).reshape(len(contexts), -1)


def _make(seed: int, **options: Any) -> MlpModel:
    return MlpModel(seed, **options)


KIND = QualityKind(
    "MLP (RouterBench)",
    "sklearn",
    {
        "default (α .0001)": {},
        "α 3": {"alpha": 3.0},
        "α 10": {"alpha": 10.0},
        "early stopping": {"early_stopping": True},
    },
    _make,
)
