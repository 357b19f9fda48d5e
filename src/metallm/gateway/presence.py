"""Work that is dropped when the client goes away: nobody pays for an answer that nobody reads."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from metallm.gateway.joining import joined

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Mapping

    from starlette.types import Receive, Scope, Send

_T = TypeVar("_T")


async def while_present(receive: Receive, work: Coroutine[Any, Any, _T]) -> _T:
    """Do the work, unless the client goes away before it is done.

    Args:
        receive: the request's channel, its body read to the end.
        work: is cancelled, and waited for, when the client goes away.

    Raises:
        ClientDisconnect: the client went away.
    """
    watch = _Watch(receive)
    watching = asyncio.create_task(watch.run())
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.cancelled:
            raise
        watch.task.uncancel()
        raise ClientDisconnect from None
    finally:
        watching.cancel()


class _Watch:
    """Cancels the task that made it when the client goes away.

    The work is not given a task of its own: one request in thousands is left before it is answered.

    Args:
        receive: the request's channel, its body read to the end.
    """

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self.task = task
        self.cancelled = False
        self._receive = receive

    async def run(self) -> None:
        await _gone(self._receive)
        self.cancelled = True
        self.task.cancel()


async def begin_while_present(
    receive: Receive, work: Coroutine[Any, Any, _T], patience_s: float | None
) -> asyncio.Task[_T]:
    """Begin the work, and wait for it as long as patience lasts and the client is there.

    Args:
        receive: the request's channel, its body read to the end.
        work: is cancelled, and waited for, when the client goes away.
        patience_s: seconds; None for as long as it takes.

    Returns:
        The work: done, or still at it.

    Raises:
        ClientDisconnect: the client went away.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(receive))
    stopped: list[asyncio.Task[Any]] = [task, gone]
    try:
        await asyncio.wait(stopped, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if gone.done() and not task.done():
            raise ClientDisconnect
        stopped = [gone]
        return task
    finally:
        for each in stopped:
            each.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)


class EventStream(Response):
    """Server-sent events as they come.

    Starlette's own streaming response leaves its iterator open when the client goes away, and
    cancels whatever that does at its end; here the iterator is closed, and may await.

    Args:
        events: at least one; closed in any case, also where the client went away.
        headers: of the answer.
    """

    def __init__(self, events: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> None:
        fixed = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(b"", 200, {**headers, **fixed}, "text/event-stream")
        self._events = events
        # nobody knows the length yet
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client goes away."""
        del scope
        await while_present(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            # a generator that never began would not notice that it is closed
            first = await anext(events)
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async with aclosing(joined(events)) as pieces:
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
