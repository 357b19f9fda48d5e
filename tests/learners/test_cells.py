from __future__ import annotations

import numpy as np
import pytest

from metallm.learners.cells import SHRINKAGE, CellMeans, lloyd, looked_up, nearest


def _clusters(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    return np.concatenate([middle + rng.normal(scale=0.3, size=(50, 2)) for middle in middles])


def test_lloyd_ends_where_centres_are_the_means_of_their_cells() -> None:
    points = _clusters()
    centres = lloyd(points, 3, np.random.default_rng(1))
    cell = nearest(points, centres)
    for position in np.unique(cell):
        assert centres[position] == pytest.approx(points[cell == position].mean(axis=0))


def test_nearest_is_the_brute_force_nearest() -> None:
    rng = np.random.default_rng(2)
    points, centres = rng.normal(size=(40, 3)), rng.normal(size=(7, 3))
    brute = [int(np.argmin(((centres - point) ** 2).sum(axis=1))) for point in points]
    assert nearest(points, centres).tolist() == brute


def test_a_cell_s_mean_is_shrunk_to_the_arm_s() -> None:
    cuts = [np.array([[0.0], [10.0]])]
    cells = CellMeans(cuts, 1)
    located = cells.locate(np.array([[0.1], [0.2], [9.0]]))
    assert located.tolist() == [[0], [0], [1]]
    cells.add(0, located, np.array([1.0, 1.0, 0.0]))
    means = np.array([0.5])
    predicted = looked_up(cells.shrunk(means), np.array([[0], [1]]))
    assert predicted[0, 0] == pytest.approx((2.0 + SHRINKAGE * 0.5) / (2.0 + SHRINKAGE))
    assert predicted[1, 0] == pytest.approx((0.0 + SHRINKAGE * 0.5) / (1.0 + SHRINKAGE))


def test_several_cuts_are_averaged() -> None:
    cells = CellMeans([np.array([[0.0]]), np.array([[0.0], [1.0]])], 1)
    located = cells.locate(np.array([[0.9]]))
    assert located.tolist() == [[0, 2]]
    cells.add(0, np.array([[0, 1]]), np.array([1.0]))
    means = np.array([0.0])
    # the coarse cut has seen the outcome, the fine cut's cell of .9 has not
    assert looked_up(cells.shrunk(means), located)[0, 0] == pytest.approx(
        0.5 * 1.0 / (1.0 + SHRINKAGE)
    )


def test_taking_back_leaves_what_was_before() -> None:
    cells = CellMeans([np.array([[0.0], [1.0]])], 2)
    place = cells.locate(np.array([[0.9]]))
    cells.add(1, place, np.array([0.75]))
    cells.add(1, place, np.array([0.75]), -1.0)
    assert not cells.n.any()
    assert not cells.sy.any()
