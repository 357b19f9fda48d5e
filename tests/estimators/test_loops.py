"""Asynchronous work from where there is no loop, and from where one is running."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

import pytest

from metallm.estimators.loops import run


async def _thread() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def _fails() -> None:
    raise LookupError("nothing there")


def test_without_a_loop_the_work_is_done_here() -> None:
    assert run(_thread()) == threading.current_thread().name


def test_beside_a_running_loop_it_is_done_in_a_thread_that_ends() -> None:
    async def beside() -> str:
        return run(_thread())

    name = asyncio.run(beside())
    assert name.startswith("metallm")
    assert name not in {each.name for each in threading.enumerate()}


def test_what_the_work_raises_comes_through() -> None:
    async def beside() -> None:
        run(_fails())

    with pytest.raises(LookupError):
        run(_fails())
    with pytest.raises(LookupError):
        asyncio.run(beside())


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to a thread there")
def test_an_interrupt_ends_what_is_under_way() -> None:
    ended = []

    async def never_done() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def beside() -> None:
        with pytest.raises(KeyboardInterrupt):
            run(never_done())

    # a loop of our own, for asyncio.run would take the signal itself
    loop = asyncio.new_event_loop()
    loop.run_until_complete(beside())
    loop.close()
    assert ended == ["cancelled"]
