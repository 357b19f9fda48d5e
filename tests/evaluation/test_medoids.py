from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from metallm.errors import InputError
from metallm.evaluation import medoids as module
from metallm.evaluation.medoids import medoids

POINTS = nps.arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 3)),
    elements=st.integers(-8, 8).map(float),
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def distances(points: np.ndarray) -> np.ndarray:
    exact = points.astype(np.float64)
    apart: np.ndarray = np.linalg.norm(exact[:, None] - exact[None], axis=2)
    return apart


def total(points: np.ndarray, chosen: list[int]) -> float:
    return float(distances(points)[:, chosen].min(axis=1).sum())


@given(POINTS, st.integers(1, 14))
@settings(max_examples=60)
def test_they_are_different_rows_and_all_of_them_where_there_are_no_more(
    points: np.ndarray, count: int
) -> None:
    found = medoids(points, count, rng()).tolist()
    assert len(set(found)) == len(found) == min(count, len(points))
    assert set(found) <= set(range(len(points)))


@given(POINTS, st.integers(1, 10))
@settings(max_examples=60)
def test_fewer_are_the_first_of_more(points: np.ndarray, count: int) -> None:
    more = medoids(points, count + 2, rng())
    assert medoids(points, count, rng()).tolist() == more[:count].tolist()


@given(POINTS, st.integers(1, 4))
@settings(max_examples=60)
def test_the_gain_is_at_least_63_percent_of_the_best_possible(
    points: np.ndarray, count: int
) -> None:
    count = min(count, len(points))
    start = distances(points).max() * len(points)
    best = start - min(
        total(points, list(each)) for each in combinations(range(len(points)), count)
    )
    gained = start - total(points, medoids(points, count, rng()).tolist())
    assert gained >= (1 - 1 / np.e) * best - 1e-6


@given(POINTS)
@settings(max_examples=60)
def test_each_next_one_is_the_greedy_choice(points: np.ndarray) -> None:
    found = medoids(points, 4, rng()).tolist()
    for place in range(1, len(found)):
        reached = total(points, found[: place + 1])
        others = [total(points, [*found[:place], row]) for row in range(len(points))]
        assert reached <= min(others) + 1e-6


def test_well_separated_groups_get_one_each_the_largest_first() -> None:
    centres = np.array([[0, 0], [100, 0], [0, 100]], dtype=np.float32)
    group = np.repeat([0, 1, 2], [5, 30, 10])
    points = (centres[group] + rng().normal(size=(45, 2))).astype(np.float32)
    found = group[medoids(points, 3, rng())]
    assert found[0] == 1
    assert set(found.tolist()) == {0, 1, 2}


def test_of_very_many_rows_some_are_looked_at_the_same_for_the_same_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SAMPLE", 20)
    points = rng().normal(size=(200, 3)).astype(np.float32)
    first = medoids(points, 5, np.random.default_rng(7)).tolist()
    assert first == medoids(points, 5, np.random.default_rng(7)).tolist()
    assert max(first) >= 20
    assert len(medoids(points, 50, rng())) == 50


def test_no_rows_and_no_count_are_errors() -> None:
    with pytest.raises(InputError, match="at least one"):
        medoids(np.zeros((0, 2), dtype=np.float32), 1, rng())
    with pytest.raises(InputError, match="at least one"):
        medoids(np.zeros((2, 2), dtype=np.float32), 0, rng())
