from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.protocols import View
from metallm.policies.thompson import ThompsonPolicy, chances_to_be_largest

spreads = st.one_of(st.just(0.0), st.floats(1e-4, 10.0))


def _chances(mean: list[float], spread: list[float]) -> np.ndarray:
    view = View(np.array([mean]), np.array([spread]), 0)
    chances: np.ndarray = ThompsonPolicy().probabilities(view, [str(i) for i in range(len(mean))])
    return np.asarray(chances[0])


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(1e-4, 10.0)), min_size=2, max_size=2))
def test_two_arms_have_the_closed_form(arms: list[tuple[float, float]]) -> None:
    (r1, s1), (r2, s2) = arms
    z = (r1 - r2) / math.hypot(s1, s2)
    exact = 0.5 * math.erfc(-z / math.sqrt(2.0))
    assert _chances([r1, r2], [s1, s2])[0] == pytest.approx(exact, abs=2e-7)


def test_each_arm_is_chosen_as_often_as_its_draw_is_the_largest() -> None:
    mean = np.array([0.7, 0.65, 0.5, 0.72, 0.1])
    spread = np.array([0.02, 0.1, 0.3, 0.0, 0.05])
    draws = 400_000
    drawn = np.random.default_rng(5).normal(mean, spread, size=(draws, 5)).argmax(axis=1)
    observed = np.bincount(drawn, minlength=5) / draws
    chances = _chances(mean.tolist(), spread.tolist())
    # five standard errors of a binomial share
    assert (
        np.abs(observed - chances) <= 5.0 * np.sqrt(chances * (1 - chances) / draws) + 1e-9
    ).all()


def test_equal_arms_share_evenly_however_many() -> None:
    for count in (1, 2, 7, 60):
        assert _chances([0.4] * count, [0.2] * count) == pytest.approx(np.full(count, 1 / count))


def test_where_all_is_certain_the_best_is_taken_and_ties_share() -> None:
    assert _chances([0.3, 0.9, 0.5], [0.0, 0.0, 0.0]).tolist() == [0.0, 1.0, 0.0]
    assert _chances([0.9, 0.9, 0.5], [0.0, 0.0, 0.0]).tolist() == [0.5, 0.5, 0.0]


def test_an_uncertain_arm_beats_a_certain_one_half_of_the_time_at_equal_means() -> None:
    assert _chances([0.5, 0.5, 0.2], [0.0, 0.3, 0.0]) == pytest.approx([0.5, 0.5, 0.0])


def test_an_arm_known_a_million_times_better_is_still_resolved() -> None:
    exact = 0.5 * math.erfc(-1.0 / math.sqrt(2.0))
    assert _chances([0.5, 0.4], [1e-7, 0.1])[0] == pytest.approx(exact, abs=1e-6)


@given(
    st.lists(st.tuples(st.floats(-2, 2), spreads), min_size=1, max_size=8),
    st.floats(-5, 5),
    st.floats(0.01, 100),
)
def test_neither_the_origin_nor_the_unit_of_rewards_matters(
    arms: list[tuple[float, float]], shift: float, unit: float
) -> None:
    mean, spread = (np.array([column]) for column in zip(*arms, strict=True))
    chances = chances_to_be_largest(mean, spread)
    assert chances.sum() == pytest.approx(1.0)
    # ties that rounding may break are left out
    if len(set(np.round(mean[0], 6))) == mean.size:
        moved = chances_to_be_largest(mean * unit + shift, spread * unit)
        assert moved == pytest.approx(chances, abs=1e-6)


def test_a_large_batch_is_cut_into_pieces_without_a_seam() -> None:
    rng = np.random.default_rng(2)
    mean, spread = rng.normal(size=(300, 12)), rng.uniform(0.01, 1.0, size=(300, 12))
    whole = ThompsonPolicy().probabilities(View(mean, spread, 0), [str(i) for i in range(12)])
    assert whole.shape == (300, 12)
    alone = np.concatenate(
        [chances_to_be_largest(mean[i : i + 1], spread[i : i + 1]) for i in range(300)]
    )
    assert whole == pytest.approx(alone, abs=1e-12)
    assert ThompsonPolicy().probabilities(View(mean[:0], spread[:0], 0), "ab").shape == (0, 12)


def test_a_larger_scale_explores_more() -> None:
    view = View(np.array([[0.8, 0.6]]), np.array([[0.1, 0.1]]), 0)
    narrow, wide = (ThompsonPolicy(scale).probabilities(view, "ab")[0, 1] for scale in (0.5, 3.0))
    assert narrow < wide < 0.5
