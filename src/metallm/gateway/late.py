"""A stream whose answer takes its time: begun without it, with a sign of life now and then.

Proxies and clients drop a connection on which nothing comes. The signs are comments, which every
reader of server-sent events passes over. What is known only with the answer (decision, arm, or that
none answers) comes in the stream then, and no longer in status and headers.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from metallm.errors import MetaLLMError, ProviderError
from metallm.gateway.errors import error_body, internal_body, kind_of
from metallm.gateway.watch import tell_internal
from metallm.wire.sse import write_comment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from metallm.gateway.logs import Log
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.note import Note
    from metallm.gateway.relay import Relay
    from metallm.router.streamed import Streamed
    from metallm.wire.base import StreamWriter

WAITING = "metallm waiting"


class Late:
    """The events of one stream that has not begun yet.

    Args:
        opening: resolves once the first event has come.
        relay: passes on what comes.
        writer: writes errors in the caller's wire.
        every_s: seconds between signs of life.
        metrics: counts.
        log: is told of errors that nobody foresaw.
        note: the request's.
    """

    def __init__(
        self,
        opening: asyncio.Task[Streamed],
        relay: Callable[[Streamed], Relay],
        writer: StreamWriter,
        every_s: float,
        metrics: Metrics,
        log: Log,
        note: Note,
    ) -> None:
        self._opening = opening
        self._relay = relay
        self._writer = writer
        self._every_s = every_s
        self._metrics = metrics
        self._log = log
        self._note = note

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Signs of life, then the answer's events, or an error in their place."""
        begun = False
        try:
            while not self._opening.done():
                yield write_comment(WAITING)
                await asyncio.wait({self._opening}, timeout=self._every_s)
            refused = self._refused()
            if refused is not None:
                yield refused
                return
            relay, begun = self._relay(self._opening.result()), True
            async with aclosing(relay.events()) as events:
                async for event in events:
                    yield event
        finally:
            if not begun:
                await self._dropped()

    def _refused(self) -> bytes | None:
        """The event that tells why there is no answer; None where there is one."""
        error = self._opening.exception()
        if error is None:
            return None
        self._note.broken = True
        if isinstance(error, MetaLLMError):
            if isinstance(error, ProviderError):
                self._metrics.failed(error)
            return self._writer.error(error_body(error), status=kind_of(error).status)
        if not isinstance(error, Exception):
            raise error
        tell_internal(self._log, self._note, error)
        return self._writer.error(internal_body(self._note.request_id), status=500)

    async def _dropped(self) -> None:
        """Nobody reads on: stop the arm, and have that logged."""
        self._opening.cancel()
        (streamed,) = await asyncio.gather(self._opening, return_exceptions=True)
        if not isinstance(streamed, BaseException):
            # it came in the very moment; begun and closed, its bill is in the log
            async with aclosing(streamed.events()) as events:
                await anext(events)
