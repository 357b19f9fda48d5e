from __future__ import annotations

import numpy as np
import pytest

from metallm.learners.cells import SHRINKAGE, CellMeans, lloyd
from metallm.learners.sets import RowSet


def _clusters(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    return np.concatenate([middle + rng.normal(scale=0.3, size=(50, 2)) for middle in middles])


def _cuts(*centres: list[float]) -> np.ndarray:
    """Cuts of a line."""
    return np.array(centres)[:, :, None]


def test_lloyd_ends_where_centres_are_the_means_of_their_cells() -> None:
    points = _clusters()
    centres = lloyd(points, 3, np.random.default_rng(1))
    cell = CellMeans(centres[None], 0).locate(points)[:, 0]
    for position in np.unique(cell):
        assert centres[position] == pytest.approx(points[cell == position].mean(axis=0))


def test_a_point_is_in_the_cell_of_its_nearest_centre_in_each_cut() -> None:
    rng = np.random.default_rng(2)
    points, cuts = rng.normal(size=(40, 3)), rng.normal(size=(2, 7, 3))
    located = CellMeans(cuts, 0).locate(points)
    for number, centres in enumerate(cuts):
        brute = [int(np.argmin(((centres - point) ** 2).sum(axis=1))) for point in points]
        assert (located[:, number] - 7 * number).tolist() == brute


def test_a_cell_s_mean_is_shrunk_to_the_arm_s() -> None:
    cells = CellMeans(_cuts([0.0, 10.0]), 1)
    located = cells.locate(np.array([[0.1], [0.2], [9.0]]))
    assert located.tolist() == [[0], [0], [1]]
    for cell, y in zip(located, (1.0, 1.0, 0.0), strict=True):
        cells.add(0, cell, y)
    predicted = np.zeros((2, 1))
    cells.add_means(np.array([[0.1], [9.0]]), cells.shrunk(np.array([0.5])), predicted)
    assert predicted[0, 0] == pytest.approx((2.0 + SHRINKAGE * 0.5) / (2.0 + SHRINKAGE))
    assert predicted[1, 0] == pytest.approx((0.0 + SHRINKAGE * 0.5) / (1.0 + SHRINKAGE))


def test_several_cuts_are_averaged() -> None:
    cells = CellMeans(_cuts([0.0, 5.0], [0.0, 1.0]), 1)
    located = cells.locate(np.array([[0.9]]))
    assert located.tolist() == [[0, 3]]
    cells.add(0, np.array([0, 2]), 1.0)
    # the first cut has seen the outcome, the second cut's cell of .9 has not
    found = np.zeros((1, 1))
    cells.add_means(np.array([[0.9]]), cells.shrunk(np.array([0.0])), found)
    assert found[0, 0] == pytest.approx(0.5 * 1.0 / (1.0 + SHRINKAGE))


def test_several_points_are_given_what_each_is_given_alone() -> None:
    rng = np.random.default_rng(4)
    cells, points = CellMeans(rng.normal(size=(3, 5, 2)), 4), rng.normal(size=(7, 2))
    table, together = rng.uniform(size=(15, 4)), np.ones((7, 4))
    cells.add_means(points, table, together)
    for row, point in enumerate(points):
        alone = np.ones((1, 4))
        cells.add_means(point[None], table, alone)
        assert alone[0] == pytest.approx(together[row], abs=1e-14)


def test_a_set_of_rows_is_learned_as_its_outcomes_one_by_one() -> None:
    rng = np.random.default_rng(3)
    points, cuts = rng.normal(size=(30, 2)), rng.normal(size=(2, 4, 2))
    rows = RowSet((0, 2), np.arange(0, 30, 2), rng.uniform(size=(15, 2)), rng.uniform(size=15))
    together, apart = CellMeans(cuts, 3), CellMeans(cuts, 3)
    located = together.locate(points)
    together.add_set(rows, located)
    assert rows.weight is not None
    for place, row in enumerate(rows.rows):
        for column, arm in enumerate(rows.arms):
            y, weight = float(rows.y[place, column]), float(rows.weight[place])
            apart.add(arm, located[row], y, weight)
    assert together.n == pytest.approx(apart.n)
    assert together.sy == pytest.approx(apart.sy)


def test_taking_back_leaves_what_was_before() -> None:
    cells = CellMeans(_cuts([0.0, 1.0]), 2)
    place = cells.locate(np.array([[0.9]]))[0]
    cells.add(1, place, 0.75)
    cells.add(1, place, 0.75, -1.0)
    assert not cells.n.any()
    assert not cells.sy.any()
