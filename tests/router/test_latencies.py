"""How long arms take, and what a second is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm import Router
from metallm.errors import ConfigurationError
from metallm.router.latencies import FORGET, Latencies

SECONDS = st.floats(0.0, 600.0)


@given(st.lists(SECONDS, min_size=1, max_size=50))
def test_the_first_fifty_answers_count_alike(times: list[float]) -> None:
    known = Latencies()
    for each in times:
        known.update("arm", each)
    assert known.estimate(["arm"])[0] == pytest.approx(np.mean(times))


def test_later_an_answer_that_is_a_hundred_answers_old_counts_next_to_nothing() -> None:
    known = Latencies()
    for _ in range(100):
        known.update("arm", 60.0)
    for _ in range(100):
        known.update("arm", 1.0)
    assert known.estimate(["arm"])[0] == pytest.approx(1.0 + 59.0 * FORGET**100)


def test_an_arm_that_never_answered_is_expected_to_take_what_others_do() -> None:
    known = Latencies()
    assert known.estimate(["new"]).tolist() == [0.0]
    known.update("slow", 3.0)
    known.update("fast", 1.0)
    assert known.estimate(["new", "slow", "fast"]).tolist() == [2.0, 3.0, 1.0]


@given(st.lists(st.tuples(st.sampled_from("ab"), SECONDS), max_size=80))
def test_a_saved_state_goes_on_as_if_nothing_had_been(times: list[tuple[str, float]]) -> None:
    known, loaded = Latencies(), Latencies()
    for arm, each in times:
        known.update(arm, each)
    loaded.load(known.state())
    for one in (known, loaded):
        one.update("a", 5.0)
    assert loaded.estimate(["a", "b", "c"]).tolist() == known.estimate(["a", "b", "c"]).tolist()


def _router(**options: Any) -> Router:
    return Router(
        [CHEAP, DEAR],
        embedder=HashEmbedder(),
        policy="greedy",
        cost_weight=0.0,
        clock=lambda: 1000.0,
        new_id=counting_ids(),
        **options,
    )


def _told(router: Router, seconds: dict[str, float]) -> None:
    """Both arms are equally good, and take these seconds."""
    for number in range(20):
        for arm in (CHEAP.name, DEAR.name):
            decision = router.decide(f"question {number}", arms=[arm])
            router.feedback(decision.id, quality=1.0, latency_s=seconds[arm])


@pytest.mark.parametrize("fast", [CHEAP.name, DEAR.name])
def test_where_a_second_has_a_weight_the_faster_of_two_like_arms_is_chosen(fast: str) -> None:
    seconds = {CHEAP.name: 9.0, DEAR.name: 9.0} | {fast: 1.0}
    router = _router(latency_weight=0.05)
    _told(router, seconds)
    decision = router.decide("another question")
    assert decision.arm == fast
    for arm, estimate in decision.estimates.items():
        assert estimate.reward == pytest.approx(estimate.quality - 0.05 * seconds[arm])
    router.close()


def test_without_a_weight_no_second_counts() -> None:
    router = _router()
    _told(router, {CHEAP.name: 9.0, DEAR.name: 1.0})
    for estimate in router.decide("another question").estimates.values():
        assert estimate.reward == pytest.approx(estimate.quality)
    router.close()


def test_a_restart_knows_how_long_arms_take(tmp_path: Path) -> None:
    seconds = {CHEAP.name: 9.0, DEAR.name: 1.0}
    router = _router(store=tmp_path / "log.db", latency_weight=0.05)
    _told(router, seconds)
    before = router.decide("another question").estimates[CHEAP.name].reward
    router.close()
    again = _router(store=tmp_path / "log.db", latency_weight=0.05)
    assert again.decide("another question").estimates[CHEAP.name].reward == before
    again.close()


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ConfigurationError, match="latency_weight"):
        _router(latency_weight=weight)
