from __future__ import annotations

import asyncio

import pytest

from metallm.errors import ProviderError, ProviderUnavailableError, StoreError
from metallm.providers.retry import AttemptError, Retry, read_retry_after_s


def run(
    outcomes: list[AttemptError | str], *, max_retries: int = 2, jitter: float = 1.0
) -> tuple[str, list[float]]:
    waits: list[float] = []
    left = iter(outcomes)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def attempt() -> str:
        outcome = next(left)
        if isinstance(outcome, AttemptError):
            raise outcome
        return outcome

    retry = Retry(sleep, lambda: jitter, max_retries)
    try:
        return asyncio.run(retry.run(attempt)), waits
    except ProviderUnavailableError as error:
        return str(error), waits


def failed(told: str, *, again: bool = True, after_s: float | None = None) -> AttemptError:
    return AttemptError(ProviderUnavailableError("a", told), again=again, retry_after_s=after_s)


def test_waits_double_from_half_a_second_and_the_last_error_is_raised() -> None:
    assert run([failed("1"), failed("2"), "fine"]) == ("fine", [0.5, 1.0])
    assert run([failed("1"), failed("2"), failed("3")]) == ("arm 'a': 3", [0.5, 1.0])
    assert run([failed("x")] * 8, max_retries=7)[1] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_jitter_spreads_waits_over_their_upper_half() -> None:
    assert run([failed("1"), "fine"], jitter=0.0) == ("fine", [0.25])


def test_what_makes_no_sense_is_not_tried_again() -> None:
    assert run([failed("1", again=False)]) == ("arm 'a': 1", [])
    assert run([failed("1")], max_retries=0) == ("arm 'a': 1", [])


def test_the_providers_wish_is_obeyed_unless_it_asks_for_too_long() -> None:
    assert run([failed("1", after_s=7.0), "fine"]) == ("fine", [7.0])
    assert run([failed("1", after_s=0.1), "fine"]) == ("fine", [0.5])
    assert run([failed("1", after_s=31.0), "fine"]) == ("arm 'a': 1", [])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_read(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert read_retry_after_s(headers, now=60.0) == seconds


def test_what_is_to_be_done_before_the_next_attempt_is_done_after_the_wait() -> None:
    told: list[object] = []

    async def wait(seconds: float) -> None:
        told.append(seconds)

    async def before_again(error: ProviderError) -> None:
        told.append(error)

    error = ProviderUnavailableError("sim/a", "down")

    async def attempt() -> str:
        told.append("asked")
        if told.count("asked") < 3:
            raise AttemptError(error, again=True)
        return "answer"

    retry = Retry(wait, lambda: 1.0, base_s=1.0)
    assert asyncio.run(retry.run(attempt, before_again)) == "answer"
    assert told == ["asked", 1.0, error, "asked", 2.0, error, "asked"]


def test_no_attempt_is_made_where_that_fails() -> None:
    asked = []

    async def wait(seconds: float) -> None:
        del seconds

    async def before_again(error: ProviderError) -> None:
        raise StoreError("the disk is full") from error

    async def attempt() -> None:
        asked.append(1)
        raise AttemptError(ProviderUnavailableError("sim/a", "down"), again=True)

    with pytest.raises(StoreError, match="full"):
        asyncio.run(Retry(wait, lambda: 1.0).run(attempt, before_again))
    assert asked == [1]
