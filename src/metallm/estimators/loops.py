"""Run asynchronous work from code that is not, whether or not a loop is running (notebooks)."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

_T = TypeVar("_T")


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """What the work returns, or raises; in a thread of its own where a loop is running here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _in_a_thread(work)


def _in_a_thread(work: Coroutine[Any, Any, _T]) -> _T:
    stop: Future[Callable[[], object]] = Future()

    async def stoppable() -> _T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        stop.set_result(lambda: task is not None and loop.call_soon_threadsafe(task.cancel))
        return await work

    with ThreadPoolExecutor(1, thread_name_prefix="metallm") as pool:
        found = pool.submit(asyncio.run, stoppable())
        try:
            return found.result()
        except BaseException:
            # an interrupt reaches the thread that waits: what is under way must not go on billing
            if not found.done():
                with suppress(RuntimeError):  # the loop has ended just now
                    stop.result()()
            raise
