"""One thing after another, and never where the first failed."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from metallm.router.waiting import after


def _made(error: Exception | None = None, *, done: bool = True) -> Future[None]:
    future: Future[None] = Future()
    if done and error is None:
        future.set_result(None)
    elif error is not None:
        future.set_exception(error)
    return future


@pytest.mark.parametrize("first", [None, _made()])
def test_what_is_done_already_is_not_waited_for(first: Future[None] | None) -> None:
    second = _made(done=False)
    assert after(first, lambda: second) is second


def test_a_first_thing_that_failed_keeps_the_second_from_being_done() -> None:
    asked: list[int] = []

    def act() -> Future[None]:
        asked.append(1)
        return _made()

    with pytest.raises(ValueError, match="full"):
        after(_made(ValueError("disk full")), act)
    late: Future[None] = Future()
    whole = after(late, act)
    late.set_exception(ValueError("disk full"))
    with pytest.raises(ValueError, match="full"):
        whole.result(0)
    assert asked == []


def test_the_second_is_done_once_the_first_is_and_both_are_waited_for() -> None:
    first, second = _made(done=False), _made(done=False)
    asked: list[int] = []

    def act() -> Future[None]:
        asked.append(1)
        return second

    whole = after(first, act)
    assert asked == []
    first.set_result(None)
    assert asked == [1]
    assert not whole.done()
    second.set_result(None)
    assert whole.result(0) is None


@pytest.mark.parametrize("at_once", [True, False])
def test_an_error_of_the_second_is_the_callers(at_once: bool) -> None:
    first = _made(done=False)

    def act() -> Future[None]:
        if at_once:
            raise OSError("closed")
        return _made(OSError("closed"))

    whole = after(first, act)
    first.set_result(None)
    with pytest.raises(OSError, match="closed"):
        whole.result(0)
