"""When an arm rests, for how long, and what tells that it is well."""

from __future__ import annotations

import pytest

from metallm.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.providers.health import (
    FAILURES,
    FIRST_REST_S,
    LONGEST_LIMIT_S,
    LONGEST_REST_S,
    USUAL_LIMIT_S,
    Health,
)

DOWN = ProviderUnavailableError("arm", "503", status=503)


def _calls(health: Health, count: int, now: float, error: BaseException | None = DOWN) -> None:
    for _ in range(count):
        health.begin(now)
        health.end(now, error)


@pytest.mark.parametrize(
    "error", [DOWN, ProviderTimeoutError("arm", "late"), StreamCutError("arm", "cut")]
)
def test_an_arm_rests_after_failures_in_a_row(error: ProviderError) -> None:
    health = Health()
    _calls(health, FAILURES - 1, 0.0, error)
    assert health.resting_s(0.0) == 0.0
    _calls(health, 1, 0.0, error)
    assert health.resting_s(0.0) == FIRST_REST_S
    assert health.resting_s(FIRST_REST_S) == 0.0


def test_an_answer_between_failures_begins_the_count_anew() -> None:
    health = Health()
    for _ in range(3):
        _calls(health, FAILURES - 1, 0.0)
        _calls(health, 1, 0.0, None)
    assert health.resting_s(0.0) == 0.0


def test_after_a_rest_one_call_is_let_through_and_tells() -> None:
    health = Health()
    _calls(health, FAILURES, 0.0)
    later = FIRST_REST_S
    health.begin(later)
    assert health.resting_s(later) > 0.0  # for everybody else
    health.end(later, None)
    assert health.resting_s(later) == 0.0


def test_each_rest_after_a_failed_trial_is_twice_as_long_up_to_the_longest() -> None:
    health, now, rests = Health(), 0.0, []
    _calls(health, FAILURES, now)
    for _ in range(10):
        rests.append(health.resting_s(now))
        now += rests[-1]
        _calls(health, 1, now)
    assert rests[:4] == [FIRST_REST_S * 2**k for k in range(4)]
    assert rests[-1] == LONGEST_REST_S
    _calls(health, 1, now + LONGEST_REST_S, None)
    _calls(health, FAILURES, now + LONGEST_REST_S)
    assert health.resting_s(now + LONGEST_REST_S) == FIRST_REST_S


@pytest.mark.parametrize(
    ("said", "rests"),
    [(30.0, 30.0), (None, USUAL_LIMIT_S), (1e9, LONGEST_LIMIT_S), (-5.0, 0.0)],
)
def test_a_429_lets_an_arm_rest_as_long_as_the_provider_says(
    said: float | None, rests: float
) -> None:
    health = Health()
    _calls(health, 1, 10.0, ProviderRateLimitError("arm", "429", retry_after_s=said))
    assert health.resting_s(10.0) == rests
    _calls(health, 1, 10.0 + rests, None)
    assert health.resting_s(10.0 + rests) == 0.0


def test_a_key_that_is_refused_lets_it_rest_at_once() -> None:
    health = Health()
    _calls(health, 1, 0.0, ProviderAuthError("arm", "401"))
    assert health.resting_s(0.0) == FIRST_REST_S


def test_a_refused_query_is_the_querys_fault() -> None:
    health = Health()
    _calls(health, 2 * FAILURES, 0.0, ProviderRejectedError("arm", "400", status=400))
    assert health.resting_s(0.0) == 0.0


def test_a_caller_who_goes_away_tells_nothing_of_the_arm() -> None:
    health = Health()
    _calls(health, FAILURES - 1, 0.0)
    _calls(health, 3, 0.0, GeneratorExit())
    assert health.resting_s(0.0) == 0.0
    _calls(health, 1, 0.0)
    assert health.resting_s(0.0) == FIRST_REST_S
