"""Wait for the log without a turn of the event loop where it is done already."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def done(future: Future[None]) -> None:
    """Return once it is resolved; raises what it failed with."""
    if future.done():
        future.result()
    else:
        await asyncio.wrap_future(future)


def after(first: Future[None] | None, act: Callable[[], Future[None]]) -> Future[None]:
    """Do something once a first thing is done, and never where it failed.

    Args:
        first: None where it is done.
        act: does the second; called in whatever thread resolves the first.

    Returns:
        A future of both, with the error of whichever failed.

    Raises:
        Exception: what the first failed with, where that is known already.
    """
    if first is None or first.done():
        if first is not None:
            first.result()
        return act()
    whole: Future[None] = Future()
    whole.set_running_or_notify_cancel()

    def second(done_first: Future[None]) -> None:
        error = done_first.exception()
        if error is not None:
            whole.set_exception(error)
            return
        try:
            act().add_done_callback(last)
        except BaseException as failed:  # noqa: BLE001 - it is the waiting caller's
            whole.set_exception(failed)

    def last(done_last: Future[None]) -> None:
        error = done_last.exception()
        if error is None:
            whole.set_result(None)
        else:
            whole.set_exception(error)

    first.add_done_callback(second)
    return whole
