"""What every policy keeps to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metallm.core.chance import draw, uniform
from metallm.core.protocols import Policy, View
from metallm.policies.floor import FlooredPolicy
from metallm.policies.linucb import LinUCBPolicy
from metallm.policies.simple import FixedPolicy, GreedyPolicy, RandomPolicy
from metallm.policies.squarecb import SquareCBPolicy
from metallm.policies.thompson import ThompsonPolicy

POLICIES: dict[str, Callable[[], Policy]] = {
    "squarecb": SquareCBPolicy,
    "squarecb that explores much": lambda: SquareCBPolicy(1.0),
    "linucb": LinUCBPolicy,
    "linucb without optimism": lambda: LinUCBPolicy(0.0),
    "greedy": GreedyPolicy,
    "random": RandomPolicy,
    "thompson": ThompsonPolicy,
    "thompson that explores much": lambda: ThompsonPolicy(3.0),
    "squarecb with a floor": lambda: FlooredPolicy(SquareCBPolicy(), 0.02, _names(6)),
    "thompson with floors": lambda: FlooredPolicy(ThompsonPolicy(), {"arm0": 0.3}, _names(6)),
    "fixed": lambda: FixedPolicy("arm0"),
}


@pytest.fixture(params=list(POLICIES), name="policy")
def _policy(request: pytest.FixtureRequest) -> Policy:
    return POLICIES[request.param]()


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"arm{place}" for place in range(count))


matrices = st.integers(1, 6).flatmap(
    lambda arms: st.lists(
        st.lists(st.floats(-2, 2), min_size=arms, max_size=arms), min_size=1, max_size=4
    )
)


@given(matrices, st.integers(0, 10**6))
@settings(max_examples=60)
@pytest.mark.parametrize("kind", list(POLICIES))
def test_every_row_is_a_distribution(kind: str, rows: list[list[float]], seen: int) -> None:
    reward = np.array(rows)
    view = View(reward, np.full_like(reward, 0.1), seen)
    chances = POLICIES[kind]().probabilities(view, _names(reward.shape[1]))
    assert chances.shape == reward.shape
    assert (chances >= 0.0).all()
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(reward)))


def test_arms_are_drawn_as_often_as_their_propensity_says(policy: Policy) -> None:
    reward = np.array([[0.5, 0.45, 0.2, -0.1]])
    view = View(reward, np.array([[0.05, 0.1, 0.3, 0.1]]), 4)
    chances = policy.probabilities(view, _names(4))[0]
    draws = 20_000
    drawn = np.bincount([draw(chances, uniform(3, i)) for i in range(draws)], minlength=4)
    # five standard errors of a binomial share
    margin = 5.0 * np.sqrt(chances * (1.0 - chances) / draws) + 1e-12
    assert (np.abs(drawn / draws - chances) <= margin).all()


def test_what_is_asked_in_a_batch_is_answered_as_one_by_one(policy: Policy) -> None:
    rng = np.random.default_rng(0)
    reward, spread = rng.normal(size=(5, 3)), rng.uniform(size=(5, 3))
    batch = policy.probabilities(View(reward, spread, 9), _names(3))
    for row in range(5):
        alone = policy.probabilities(
            View(reward[row : row + 1], spread[row : row + 1], 9), _names(3)
        )
        assert np.abs(alone[0] - batch[row]).max() <= 1e-12
