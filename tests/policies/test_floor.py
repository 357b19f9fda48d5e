from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.protocols import View
from metallm.errors import ConfigurationError
from metallm.policies.floor import FlooredPolicy
from metallm.policies.simple import FixedPolicy, GreedyPolicy
from metallm.policies.squarecb import SquareCBPolicy
from metallm.settings import load_settings


def _view(reward: list[float]) -> View:
    return View(np.array([reward]), np.zeros((1, len(reward))), 50)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=9), st.floats(0, 0.99))
def test_no_arm_falls_below_its_floor_and_the_order_stays(
    reward: list[float], share: float
) -> None:
    arms = [str(place) for place in range(len(reward))]
    floor = share / len(arms)
    bare = SquareCBPolicy().probabilities(_view(reward), arms)[0]
    chances = FlooredPolicy(SquareCBPolicy(), floor, arms).probabilities(_view(reward), arms)[0]
    assert chances.sum() == pytest.approx(1.0)
    assert (chances >= floor).all()
    assert chances == pytest.approx(floor + (1.0 - share) * bare)


def test_floors_by_name_leave_the_other_arms_without_one() -> None:
    policy = FlooredPolicy(GreedyPolicy(), {"b": 0.1, "c": 0.02}, "abc")
    assert policy.probabilities(_view([1.0, 0.5, 0.2]), "abc")[0] == pytest.approx(
        [0.88, 0.1, 0.02]
    )


def test_only_arms_that_may_be_chosen_have_a_floor() -> None:
    policy = FlooredPolicy(FixedPolicy("a"), 0.2, "abc")
    assert policy.probabilities(_view([0.1, 0.9]), "ac")[0] == pytest.approx([0.8, 0.2])
    assert policy.name == "fixed:a"


@pytest.mark.parametrize(
    ("floor", "told"),
    [
        (0.5, "2 arms add up to 1"),
        ({"a": 0.7, "b": 0.4}, "add up to 1.1"),
        (-0.1, "from 0 to below 1, not -0.1"),
        (float("nan"), "not nan"),
        ("much", "not 'much'"),
        (True, "not True"),
        ({"a": 1.0}, "floor of 'a' must be"),
        ({"z": 0.1}, "no arm is called 'z'; the arms are: a, b"),
    ],
)
def test_floors_that_cannot_be_kept_are_refused(floor: float, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        FlooredPolicy(GreedyPolicy(), floor, ["a", "b"])


def test_an_arm_that_the_policy_was_made_without_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="without arm 'c'"):
        FlooredPolicy(GreedyPolicy(), 0.1, "ab").probabilities(_view([1.0, 0.5]), "ac")


@pytest.mark.parametrize("floor", [0.05, "0.05", {"sim/a": 0.05, "sim/b": 0.05}])
def test_a_router_takes_its_floor_from_the_settings(floor: object) -> None:
    settings = load_settings(
        router={"policy": "greedy", "floor": floor},
        store={"path": ""},
        arms=[{"name": name, "input_price": 1, "output_price": 1} for name in ("sim/a", "sim/b")],
    )
    with closing(Router.from_settings(settings)) as router:
        decided = [router.decide(f"query {number}") for number in range(3)]
    assert all(min(each.propensities.values()) >= 0.05 for each in decided)


def test_a_router_refuses_a_floor_that_leaves_nothing_to_choose() -> None:
    arms = [Arm(name, input_price=1.0, output_price=1.0) for name in ("sim/a", "sim/b")]
    with pytest.raises(ConfigurationError, match="leave nothing to choose"):
        Router(arms, floor=0.5)
