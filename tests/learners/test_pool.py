"""A conditional logit over opinions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arrays import FloatArray
from metallm.learners.pool import CAPACITY, Pool, softmax


def _rows(count: int, labels: int, weights: FloatArray, seed: int) -> list[tuple[FloatArray, int]]:
    """Rows whose labels are drawn from the logit with these weights."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        opinions = np.log(rng.dirichlet(np.ones(labels), size=len(weights)))
        rows.append((opinions, int(rng.choice(labels, p=softmax(weights @ opinions)))))
    return rows


def _taught(rows: list[tuple[FloatArray, int]], prior: list[float], pull: float) -> Pool:
    pool = Pool(np.array(prior), pull)
    for number, (opinions, truth) in enumerate(rows):
        pool.add(str(number), opinions, truth)
    pool.fit()
    return pool


def test_the_weights_of_a_true_logit_are_found_again() -> None:
    weights = np.array([1.2, 0.0, 0.5])
    pool = _taught(_rows(CAPACITY, 4, weights, 1), [0.6, 0.6, 0.6], pull=0.1)
    assert pool.weights == pytest.approx(weights, abs=0.15)


def test_before_any_row_the_prior_speaks() -> None:
    opinions = np.log(np.array([[0.5, 0.25, 0.25], [0.8, 0.1, 0.1]]))
    chances = Pool(np.array([1.0, 0.0]), 4.0).chances(opinions)
    assert chances == pytest.approx([0.5, 0.25, 0.25])


def test_chances_are_as_often_right_as_they_say() -> None:
    weights = np.array([0.9, 0.3])
    pool = _taught(_rows(1000, 3, weights, 2), [0.5, 0.5], pull=1.0)
    told = [(pool.chances(opinions), truth) for opinions, truth in _rows(4000, 3, weights, 3)]
    sure = np.array([chances.max() for chances, _ in told])
    right = np.array([float(chances.argmax() == truth) for chances, truth in told])
    for low, high in ((0.33, 0.5), (0.5, 0.7), (0.7, 1.01)):
        inside = (sure >= low) & (sure < high)
        assert right[inside].mean() == pytest.approx(sure[inside].mean(), abs=0.05)


def test_an_opinion_that_misleads_gets_no_weight() -> None:
    rows = [(np.stack([opinions[0], -opinions[0]]), truth)
            for opinions, truth in _rows(300, 3, np.array([1.0]), 4)]  # fmt: skip
    pool = _taught(rows, [0.0, 0.5], pull=0.5)
    assert pool.weights[1] == 0.0
    assert pool.weights[0] > 0.5


@given(st.integers(0, 39))
def test_a_row_taken_back_was_never_there(place: int) -> None:
    rows = _rows(40, 3, np.array([1.0, 0.5]), 5)
    pool = _taught(rows, [0.5, 0.5], pull=2.0)
    pool.take_back(str(place))
    pool.fit()
    without = _taught(rows[:place] + rows[place + 1 :], [0.5, 0.5], pull=2.0)
    assert pool.weights == pytest.approx(without.weights, abs=1e-4)


def test_only_the_newest_rows_are_kept() -> None:
    pool = _taught(_rows(CAPACITY + 25, 2, np.array([1.0]), 6), [0.5], pull=1.0)
    assert len(pool) == CAPACITY


def test_a_saved_pool_goes_on_as_it_was() -> None:
    rows = _rows(60, 3, np.array([1.0, 0.5]), 7) + _rows(60, 5, np.array([1.0, 0.5]), 8)
    pool = _taught(rows[:70], [0.5, 0.5], pull=2.0)
    again = Pool(np.array([0.5, 0.5]), 2.0)
    again.load(pool.state())
    for number, (opinions, truth) in enumerate(rows[70:]):
        for each in (pool, again):
            each.add(f"later {number}", opinions, truth)
    assert np.array_equal(pool.weights, again.weights)


def test_an_empty_pool_can_be_saved() -> None:
    again = Pool(np.array([0.5]), 2.0)
    again.load(Pool(np.array([0.7]), 2.0).state())
    assert again.weights.tolist() == [0.7]
