"""The least acceptable quality: arms that are believed below it are no choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CHEAP, DEAR, yes_router
from metallm import Router
from metallm.errors import InputError
from metallm.router.acceptable import acceptable

numbers = st.lists(
    st.tuples(st.floats(-0.5, 1.5), st.floats(0.0, 0.5)), min_size=1, max_size=8
).map(lambda pairs: np.array(pairs).T)


@given(believed=numbers, least=st.floats(0.0, 1.0))
def test_what_is_left_may_reach_the_least_or_is_the_best_there_is(
    believed: Any, least: float
) -> None:
    quality, uncertainty = believed
    kept = acceptable(quality, uncertainty, least)
    hoped = quality + uncertainty
    assert kept
    if hoped.max() >= least:
        assert kept == [place for place in range(len(hoped)) if hoped[place] >= least]
    else:
        assert kept == [int(hoped.argmax())]


@pytest.fixture
def router() -> Iterator[Router]:
    """Knows that the cheap arm is bad and the dear one good, and minds the cost above all."""
    made = yes_router(cost_weight=5.0, seed=4)
    for number in range(40):
        for arm, quality in ((CHEAP.name, 0.1), (DEAR.name, 0.9)):
            made.feedback(made.decide(f"text {number}", arms=[arm]).id, quality=quality)
    yield made
    made.close()


def test_without_one_the_cheap_arm_is_chosen_and_with_one_the_good_one(router: Router) -> None:
    plain = router.decide("another text")
    assert (plain.arm, set(plain.propensities)) == (CHEAP.name, {CHEAP.name, DEAR.name})
    least = router.decide("another text", min_quality=0.7)
    assert (least.arm, dict(least.propensities)) == (DEAR.name, {DEAR.name: 1.0})
    # an arm that is not good enough is not fallen back to either
    assert set(least.estimates) == {DEAR.name}


def test_what_all_reach_leaves_the_choice_as_it_was(router: Router) -> None:
    plain, least = router.decide("a text"), router.decide("a text", min_quality=0.01)
    assert dict(plain.propensities) == dict(least.propensities)


def test_where_no_arm_reaches_it_the_best_answers(router: Router) -> None:
    assert router.decide("a text", arms=[CHEAP.name], min_quality=0.9).arm == CHEAP.name
    assert router.decide("a text", min_quality=1.0).arm == DEAR.name


def test_arms_of_which_nothing_is_known_are_tried() -> None:
    fresh = yes_router()
    assert len(fresh.decide("a text", min_quality=0.6).propensities) == 2
    fresh.close()


def test_complete_takes_one_too(router: Router) -> None:
    assert router.complete_sync("a text", min_quality=0.7).arm == DEAR.name


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), "much"])
def test_what_is_no_quality_is_refused(router: Router, value: Any) -> None:
    with pytest.raises(InputError, match="min_quality"):
        router.decide("a text", min_quality=value)
