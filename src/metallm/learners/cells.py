"""Cells: the context space cut into Voronoi cells, with a shrunken mean per arm and cell.

A constant-time stand-in for neighbours: the mean of several cuts of different fineness routed as
well as 100 nearest neighbours did on seven recorded sets, and its sums add exactly over shards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.learners.sets import RowSet

    Cells = NDArray[np.intp]

SHRINKAGE = 10.0
"""Outcomes that an arm's overall mean counts for in each cell."""

ITERATIONS = 15
"""Rounds of Lloyd's algorithm; the cuts are averaged, so that none needs to be perfect."""

SAMPLE = 5_000
"""Points that centres are found on."""


def lloyd(points: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Centres of k-means cells (Lloyd 1982), shape (count, d).

    Args:
        points: shape (n, d), n at least `count`.
        count: number of cells.
        rng: picks the first centres, and the points to look at where there are very many.
    """
    if len(points) > SAMPLE:
        points = points[rng.choice(len(points), SAMPLE, replace=False)]
    centres = points[rng.choice(len(points), count, replace=False)].copy()
    number = np.arange(count)[:, None]
    for _ in range(ITERATIONS):
        belongs = (_distances(points, centres).argmin(axis=1) == number).astype(np.float64)
        members = belongs.sum(axis=1)
        kept = members > 0
        centres[kept] = (belongs @ points)[kept] / members[kept, None]
    return centres


def _distances(points: FloatArray, centres: FloatArray) -> FloatArray:
    """Squared distances less the points' squares; (n, d) and (m, d) give (n, m)."""
    distances: FloatArray = points @ (-2.0 * centres.T)
    distances += (centres * centres).sum(axis=1)
    return distances


class CellMeans:
    """Sums of outcomes per arm and cell, over several cuts at once.

    Args:
        cuts: centres, shape (number of cuts, m, d): as many in each cut.
        arms: K, 0 and up.
    """

    def __init__(self, cuts: FloatArray, arms: int) -> None:
        self.cuts = cuts
        number, cells, d = cuts.shape
        self.n = np.zeros((arms, number * cells))
        self.sy = np.zeros((arms, number * cells))
        centres = cuts.reshape(number * cells, d)
        self._doubled: FloatArray = np.ascontiguousarray(-2.0 * centres.T)
        self._squares: FloatArray = (centres * centres).sum(axis=1)
        self._offsets = np.arange(number) * cells

    def add_arm(self) -> None:
        """One more arm, of which nothing is known."""
        empty = np.zeros((1, self.n.shape[1]))
        self.n = np.concatenate([self.n, empty])
        self.sy = np.concatenate([self.sy, empty])

    def locate(self, points: FloatArray) -> Cells:
        """The cell of each point in each cut: (n, d) gives (n, number of cuts)."""
        number, cells, _ = self.cuts.shape
        if len(points) == 1:
            found = np.empty((1, number), dtype=np.intp)
            inner.locate(points, self._doubled, self._squares, found)
            return found
        distances = points @ self._doubled
        distances += self._squares
        located: Cells = distances.reshape(len(points), number, cells).argmin(axis=2)
        located += self._offsets
        return located

    def add_means(self, points: FloatArray, table: FloatArray, out: FloatArray) -> None:
        """Add the mean of each point's cells.

        Args:
            points: shape (n, d).
            table: each cell's means, shape (cells, K), of `shrunk`.
            out: shape (n, K), added to.
        """
        if len(points) == 1:
            inner.looked_up(points, self._doubled, self._squares, table, out, self.cuts.shape[0])
            return
        located = self.locate(points)
        out += table[located].sum(axis=1) / located.shape[1]

    def add(self, arm: int, cells: Cells, y: float, weight: float = 1.0) -> None:
        """Learn one outcome at its cells, shape (number of cuts,)."""
        # a point is in one cell of each cut: no cell comes twice
        inner.count(self.n, self.sy, cells, arm, y, weight)

    def add_set(self, rows: RowSet, cells: Cells) -> None:
        """Learn the outcomes of a set of rows.

        Args:
            rows: m rows.
            cells: of all rows of the memory, of `locate`.
        """
        number, size = self.cuts.shape[0], self.n.shape[1]
        flat = cells[rows.rows].ravel()
        weight = np.ones(len(rows)) if rows.weight is None else rows.weight
        n = np.bincount(flat, np.repeat(weight, number), minlength=size)
        for place, arm in enumerate(rows.arms):
            weighted = np.repeat(weight * rows.y[:, place], number)
            self.n[arm] += n
            self.sy[arm] += np.bincount(flat, weighted, minlength=size)

    def shrunk(self, means: FloatArray) -> FloatArray:
        """The mean of each arm's cells, shrunk to `means` of shape (K,); shape (cells, K)."""
        # a row per cell: that is how it is looked up
        table = np.empty(self.n.shape[::-1])
        inner.shrunk(self.n, self.sy, means, table, SHRINKAGE)
        return table
