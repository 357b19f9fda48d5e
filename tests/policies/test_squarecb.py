from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.protocols import View
from metallm.policies.squarecb import SquareCBPolicy


def test_probabilities_are_inverse_gaps_and_the_best_arm_gets_the_rest() -> None:
    view = View(np.array([[0.9, 0.8, 0.4]]), np.zeros((1, 3)), 24)
    (chances,) = SquareCBPolicy(gamma=2.0).probabilities(view, "abc")
    gamma = 2.0 * np.sqrt(25.0)
    assert chances[1] == pytest.approx(1.0 / (3.0 + gamma * 0.1))
    assert chances[2] == pytest.approx(1.0 / (3.0 + gamma * 0.5))
    assert chances[0] == pytest.approx(1.0 - chances[1] - chances[2])


def test_where_nothing_is_known_apart_all_arms_are_alike() -> None:
    view = View(np.full((1, 4), 0.7), np.full((1, 4), 0.2), 0)
    assert SquareCBPolicy().probabilities(view, "abcd")[0] == pytest.approx(np.full(4, 0.25))


def test_an_arm_of_which_little_is_known_keeps_a_small_gap() -> None:
    view = View(np.array([[0.8, 0.6]]), np.array([[0.01, 0.21]]), 100)
    hopeful = SquareCBPolicy(optimism=1.0).probabilities(view, "ab")[0]
    sober = SquareCBPolicy(optimism=0.0).probabilities(view, "ab")[0]
    assert hopeful[1] == pytest.approx(0.5)
    assert sober[1] < 0.01


def test_beyond_a_dozen_arms_gamma_grows_with_their_number() -> None:
    few, many = (
        SquareCBPolicy(1.0).probabilities(
            View(np.array([[1.0] + [0.5] * (count - 1)]), np.zeros((1, count)), 8), "a" * count
        )[0, 1]
        for count in (12, 48)
    )
    assert few == pytest.approx(1.0 / (12.0 + 3.0 * 0.5))
    assert many == pytest.approx(1.0 / (48.0 + 3.0 * 2.0 * 0.5))


def test_with_more_outcomes_bad_arms_are_tried_less() -> None:
    reward, spread = np.array([[0.8, 0.6]]), np.zeros((1, 2))
    early, late = (
        SquareCBPolicy().probabilities(View(reward, spread, seen), "ab")[0, 1]
        for seen in (10, 100_000)
    )
    assert late < early / 50
    assert late > 0.0


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0, 2)), min_size=1, max_size=32),
    st.integers(0, 10**9),
)
def test_one_query_gets_what_the_same_query_gets_in_a_batch(
    arms: list[tuple[float, float]], seen: int
) -> None:
    reward, spread = (np.array([column, column]) for column in zip(*arms, strict=True))
    names = [str(place) for place in range(len(arms))]
    batch = SquareCBPolicy().probabilities(View(reward, spread, seen), names)
    alone = SquareCBPolicy().probabilities(View(reward[:1], spread[:1], seen), names)
    assert alone.shape == (1, len(arms))
    assert np.abs(alone[0] - batch[0]).max() <= 1e-12
