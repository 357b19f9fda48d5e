"""From estimates to a choice: SquareCB's probabilities, a number for a seed, a draw."""

from __future__ import annotations

from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check

if TYPE_CHECKING:
    from metallm.inner.pure.checks import FloatArray

FEW = 32
"""Arms up to which plain numbers beat numpy for a single query."""


def gap_weights(
    reward: FloatArray, spread: FloatArray, out: FloatArray, gamma: float, optimism: float
) -> None:
    """SquareCB's probabilities (policies/squarecb.py).

    Args:
        reward: shape (n, K).
        spread: shape (n, K).
        out: shape (n, K).
        gamma: γ.
        optimism: standard errors added to rewards.
    """
    check("spread", spread, reward.shape)
    check("out", out, reward.shape)
    rows, count = reward.shape
    if count == 0:
        return
    if rows == 1 and count <= FEW:
        out[0] = _one_row(reward[0].tolist(), spread[0].tolist(), gamma, optimism)
        return
    place = np.arange(rows)
    hoped = reward + optimism * spread
    best = hoped.argmax(axis=1)
    gaps = hoped[place, best][:, None] - hoped
    out[:] = 1.0 / (count + gamma * gaps)
    out[place, best] = 0.0
    out[place, best] = 1.0 - out.sum(axis=1)


def _one_row(
    reward: list[float], spread: list[float], gamma: float, optimism: float
) -> list[float]:
    """The same for one query, in numbers instead of arrays: a tenth of numpy's calls."""
    hoped = [mean + optimism * error for mean, error in zip(reward, spread, strict=True)]
    top = max(hoped)
    best = hoped.index(top)
    count = len(hoped)
    weights = [1.0 / (count + gamma * (top - each)) for each in hoped]
    weights[best] = 0.0
    weights[best] = 1.0 - sum(weights)
    return weights


def uniform(seed: int, index: int) -> float:
    """A number in [0, 1) with 53 random bits: BLAKE2b of the index, the seed its key.

    Args:
        seed: any; taken modulo 2^64.
        index: 0 to 2^64 − 1.
    """
    digest = blake2b(
        index.to_bytes(8, "little"), digest_size=8, key=(seed % 2**64).to_bytes(8, "little")
    ).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def draw(probabilities: FloatArray, u: float) -> int:
    """The position that a uniform draw u picks from probabilities of shape (K,).

    Never a position of probability 0.
    """
    if probabilities.ndim != 1:
        raise ValueError(f"probabilities must have 1 dimension, not {probabilities.ndim}")
    values = probabilities.tolist()
    if not any(value > 0.0 for value in values):
        raise ValueError("no arm has a probability above 0")
    cumulative = list(accumulate(values))
    picked = bisect_right(cumulative, u * cumulative[-1])
    if picked < len(values):
        return picked
    # u just below 1 can round up past the end; the last arm with any probability is meant
    return max(place for place, value in enumerate(values) if value > 0.0)
