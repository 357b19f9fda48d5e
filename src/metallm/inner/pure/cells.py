"""Cells for one query and one outcome (learners/cells.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check, check_place

if TYPE_CHECKING:
    from metallm.inner.pure.checks import FloatArray, Indices


def locate(point: FloatArray, doubled: FloatArray, squares: FloatArray, out: Indices) -> None:
    """The cell of a point in each cut.

    Args:
        point: shape (1, d).
        doubled: centres times −2, shape (d, number of cuts · cells of each).
        squares: of the centres' lengths, in the same order.
        out: shape (1, number of cuts).
    """
    dim, size = doubled.shape
    check("point", point, (1, dim))
    check("squares", squares, (size,))
    cuts = out.shape[1]
    if cuts == 0 or size < cuts or size % cuts:
        raise ValueError(f"{size} cells cannot be cut {cuts} times alike")
    distances = point[0].dot(doubled)
    distances += squares
    cells = size // cuts
    np.add(distances.reshape(cuts, cells).argmin(axis=1), np.arange(0, size, cells), out=out[0])


def looked_up(
    point: FloatArray,
    doubled: FloatArray,
    squares: FloatArray,
    table: FloatArray,
    out: FloatArray,
    cuts: int,
) -> None:
    """Add the mean over the cuts of a table's rows for a point's cells.

    Args:
        point: shape (1, d).
        doubled: as for `locate`.
        squares: as for `locate`.
        table: shape (all cells, K).
        out: shape (1, K), added to.
        cuts: number of cuts.
    """
    check("table", table, (doubled.shape[1], table.shape[1]))
    check("out", out, (1, table.shape[1]))
    if not 0 < cuts <= doubled.shape[1]:
        raise ValueError(f"{doubled.shape[1]} cells cannot be cut {cuts} times alike")
    cells = np.empty((1, cuts), dtype=np.intp)
    locate(point, doubled, squares, cells)
    out += np.add.reduce(table[cells[0]], axis=0) / cuts


def count(n: FloatArray, sy: FloatArray, cells: Indices, arm: int, y: float, weight: float) -> None:
    """Add an outcome of an arm to its cells.

    Args:
        n: Σ w, shape (K, all cells).
        sy: Σ w y, shape (K, all cells).
        cells: shape (number of cuts,), each another.
        arm: position of the arm.
        y: the outcome.
        weight: w.
    """
    check_place("arm", arm, len(n))
    n[arm, cells] += weight
    sy[arm, cells] += weight * y


def shrunk(
    n: FloatArray, sy: FloatArray, means: FloatArray, out: FloatArray, shrinkage: float
) -> None:
    """Means of cells, shrunk to each arm's: (sy + shrinkage · mean) / (n + shrinkage).

    Args:
        n: shape (K, all cells).
        sy: shape (K, all cells).
        means: shape (K,).
        out: shape (all cells, K).
        shrinkage: outcomes that an arm's mean counts for.
    """
    # in the order of the sums: across it numpy takes three times as long
    out[:] = ((sy + shrinkage * means[:, None]) / (n + shrinkage)).T
