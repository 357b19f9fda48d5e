"""Matrix factorisation as RouteLLM routes: a vector per model, a projection of the query.

    P(right | query x, model m) = σ(v_m · (W x + w₀) + b_m)

trained on the log-loss with Adam. RouteLLM's is for pairs of models; with one probability a model
the difference of two is its preference.

Source: RouteLLM (arXiv 2406.18665), section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routing.peers.quality import QualityKind

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray

EPOCHS = 30
BATCH = 128
RATE = 3e-3


class FactorModel:
    """Factors of some rank with weight decay.

    Args:
        seed: of the start and of the batches.
        rank: length of a model's vector.
        decay: pull towards 0 of all but the biases.
    """

    def __init__(self, seed: int, *, rank: int, decay: float) -> None:
        self._rng = np.random.default_rng(seed)
        self._rank = rank
        self._decay = decay
        self._weights: list[FloatArray] = []
        self._mean: FloatArray = np.zeros(0)
        self._scale = 1.0

    def fit(self, contexts: FloatArray, quality: FloatArray) -> None:
        """Train by Adam over shuffled batches."""
        self._mean = contexts.mean(axis=0)
        self._scale = float((contexts - self._mean).std()) or 1.0
        x = (contexts - self._mean) / self._scale
        known = ~np.isnan(quality)
        y = np.where(known, quality, 0.0)
        level = np.clip(np.nanmean(quality, axis=0), 0.01, 0.99)
        draw, d = self._rng.normal, contexts.shape[1]
        self._weights = [
            draw(0, d**-0.5, (d, self._rank)),  # W
            np.ones(self._rank),  # w₀
            draw(0, 0.1, (quality.shape[1], self._rank)),  # v
            np.log(level / (1 - level)),  # b
        ]
        first = [np.zeros_like(each) for each in self._weights]
        second = [np.zeros_like(each) for each in self._weights]
        step = 0
        for _ in range(EPOCHS):
            order = self._rng.permutation(len(x))
            for start in range(0, len(x), BATCH):
                rows, step = order[start : start + BATCH], step + 1
                slopes = self._slopes(x[rows], y[rows], known[rows])
                for place, slope in enumerate(slopes):
                    first[place] = 0.9 * first[place] + 0.1 * slope
                    second[place] = 0.999 * second[place] + 0.001 * slope * slope
                    mean = first[place] / (1 - 0.9**step)
                    spread = np.sqrt(second[place] / (1 - 0.999**step)) + 1e-8
                    self._weights[place] -= RATE * mean / spread

    def predict(self, contexts: FloatArray) -> FloatArray:
        """Probabilities of a right answer, (m, d) gives (m, K)."""
        return self._probability(self._hidden((contexts - self._mean) / self._scale))

    def _hidden(self, x: FloatArray) -> FloatArray:
        hidden: FloatArray = x @ self._weights[0] + self._weights[1]
        return hidden

    def _probability(self, hidden: FloatArray) -> FloatArray:
        logit = hidden @ self._weights[2].T + self._weights[3]
        chance: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(logit, -30, 30)))
        return chance

    def _slopes(
        self, x: FloatArray, y: FloatArray, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    ) -> list[FloatArray]:
        """Gradients of the mean log-loss with decay."""
        hidden = self._hidden(x)
        error = np.where(known, self._probability(hidden) - y, 0.0) / len(x)
        back = error @ self._weights[2]
        return [
            x.T @ back + self._decay * self._weights[0],
            back.sum(axis=0),
            error.T @ hidden + self._decay * self._weights[2],
            error.sum(axis=0),
        ]


def _make(seed: int, *, rank: int, decay: float) -> FactorModel:
    return FactorModel(seed, rank=rank, decay=decay)


KIND = QualityKind(
    "matrix factorisation (RouteLLM)",
    None,
    {
        "rank 8, decay .01": {"rank": 8, "decay": 0.01},
        "rank 8, decay .1": {"rank": 8, "decay": 0.1},
        "rank 32, decay .03": {"rank": 32, "decay": 0.03},
    },
    _make,
)
