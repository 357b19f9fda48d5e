"""A streamed answer on its way to the client, as server-sent events."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from metallm.errors import MetaLLMError, ProviderError, StreamCutError
from metallm.gateway.errors import error_body, internal_body, kind_of
from metallm.gateway.headers import cost_comment
from metallm.gateway.watch import tell_internal
from metallm.wire.sse import write_comment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from metallm.core.price import Usage
    from metallm.gateway.logs import Log
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.note import Note
    from metallm.router.streamed import Streamed
    from metallm.wire.base import StreamWriter


class Relay:
    """Passes events on, and tells how the stream ended.

    Args:
        streamed: the answer.
        writer: writes it in the caller's wire.
        metrics: counts.
        log: is told of errors that nobody foresaw.
        note: the request's.
    """

    def __init__(
        self,
        streamed: Streamed,
        writer: StreamWriter,
        metrics: Metrics,
        log: Log,
        note: Note,
    ) -> None:
        self._streamed = streamed
        self._writer = writer
        self._metrics = metrics
        self._log = log
        self._note = note
        self._usage: Usage | None = None
        self._error: bytes | None = None

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The answer's events, the bill as a comment, and the end; or an error in its place."""
        streamed = self._streamed
        self._metrics.waited(streamed.arm, streamed.waited_s, stream=True)
        try:
            async with aclosing(self._passed_on()) as events:
                async for event in events:
                    yield event
        finally:
            # also where the client went away: what was streamed so far is on the bill
            told = (streamed.decision, streamed.arm, self._usage, streamed.cost_usd)
            self._metrics.answered(*told, streamed.overtaken)
        yield write_comment(
            cost_comment(streamed.decision, streamed.cost_usd, estimated=streamed.cost_estimated)
        )
        yield self._writer.end() if self._error is None else self._error

    async def _passed_on(self) -> AsyncGenerator[bytes, None]:
        write = self._writer.event
        try:
            async with aclosing(self._streamed.events()) as events:
                async for event in events:
                    if event.usage is not None:
                        self._usage = event.usage
                    if frames := write(event):
                        yield frames
        except MetaLLMError as error:
            self._note.broken = True
            if isinstance(error, ProviderError):
                self._metrics.failed(error)
            told = error.status if isinstance(error, StreamCutError) else None
            status = told or kind_of(error).status  # what the arm's stream itself said, if it did
            self._error = self._writer.error(error_body(error), status=status)
        except Exception as error:  # noqa: BLE001 - the answer has begun: it can only be told within
            self._note.broken = True
            tell_internal(self._log, self._note, error)
            self._error = self._writer.error(internal_body(self._note.request_id), status=500)
