"""Medoids: a few rows that stand for many, each row by its nearest.

Greedy facility location: each next medoid is the row that brings the rows nearest to their
medoids, all distances summed. So the first k of more are what k alone would have been, and a
selection can be extended without losing what was paid for.

Source: the BUILD step of Kaufman and Rousseeuw 1990, Partitioning Around Medoids; the gain is
submodular, so that the greedy choice reaches 1 − 1/e of the best (Nemhauser et al. 1978), and
old gains bound the new ones (Minoux 1978), which is why few have to be computed again.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray

SAMPLE = 3000
"""Rows that are looked at; all pairs of them are compared."""


def medoids(contexts: Context, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Positions of rows that stand for all, the one that stands for most first.

    Args:
        contexts: shape (n, d).
        count: how many; all n where there are fewer.
        rng: picks the rows to look at where there are very many.

    Returns:
        Positions, shape (min(count, n),), all different.

    Raises:
        InputError: no rows, or a count below 1.
    """
    if not len(contexts) or count < 1:
        raise InputError(f"{count} medoids of {len(contexts)} rows: at least one of each is needed")
    looked_at = np.arange(len(contexts))
    if len(contexts) > max(SAMPLE, count):
        looked_at = np.sort(rng.choice(len(contexts), max(SAMPLE, count), replace=False))
    distance = _distances(contexts[looked_at].astype(np.float64))
    chosen: NDArray[np.intp] = looked_at[_greedy(distance, min(count, len(distance)))]
    return chosen


def _distances(points: FloatArray) -> FloatArray:
    """Euclidean distances between all rows, shape (n, n)."""
    squared = (points * points).sum(axis=1)
    gram = points @ points.T
    distance: FloatArray = np.sqrt(np.maximum(squared[:, None] + squared - 2.0 * gram, 0.0))
    np.fill_diagonal(distance, 0.0)
    return distance


def _greedy(distance: FloatArray, count: int) -> list[int]:
    """Lazy greedy over all rows; of equal gains the first row's wins."""
    # before the first medoid every row is as far from one as any two rows are
    near = np.full(len(distance), distance.max())
    gains = near.sum() - distance.sum(axis=1)
    queue = [(-gain, row) for row, gain in enumerate(gains.tolist())]
    heapq.heapify(queue)
    chosen: list[int] = []
    while len(chosen) < count:
        _, row = heapq.heappop(queue)
        gain = float(np.maximum(near - distance[row], 0.0).sum())
        # an old gain is an upper bound: still first with the new one means first of all
        if queue and (-gain, row) > queue[0]:
            heapq.heappush(queue, (-gain, row))
            continue
        chosen.append(row)
        near = np.minimum(near, distance[row])
    return chosen
