"""A streamed answer on its way to the client, as server-sent events."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from metallm.errors import MetaLLMError, ProviderError
from metallm.gateway.errors import error_body, internal_body
from metallm.gateway.headers import cost_comment
from metallm.gateway.naming import ChunkNaming
from metallm.gateway.watch import tell_internal
from metallm.wire.openai_stream import DONE
from metallm.wire.sse import write_comment, write_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from structlog.typing import FilteringBoundLogger

    from metallm.core.price import Usage
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.note import Note
    from metallm.router.streamed import Streamed


class Relay:
    """Passes events on, and tells how the stream ended.

    Args:
        streamed: the answer.
        metrics: counts.
        log: is told of errors that nobody foresaw.
        note: the request's.
    """

    def __init__(
        self, streamed: Streamed, metrics: Metrics, log: FilteringBoundLogger, note: Note
    ) -> None:
        self._streamed = streamed
        self._metrics = metrics
        self._log = log
        self._note = note
        self._usage: Usage | None = None
        self._end = DONE

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The answer's events, the bill as a comment, and [DONE]; or an error in its place."""
        streamed = self._streamed
        try:
            async with aclosing(self._passed_on()) as events:
                async for event in events:
                    yield event
        finally:
            # also where the client went away: what was streamed so far is on the bill
            self._metrics.answered(streamed.decision, streamed.arm, self._usage, streamed.cost_usd)
        yield write_comment(
            cost_comment(streamed.decision, streamed.cost_usd, estimated=streamed.cost_estimated)
        )
        yield self._end

    async def _passed_on(self) -> AsyncGenerator[bytes, None]:
        name = ChunkNaming(self._streamed.arm)
        try:
            async with aclosing(self._streamed.events()) as events:
                async for event in events:
                    if event.usage is not None:
                        self._usage = event.usage
                    if not event.only_usage:
                        yield write_event(name(event.data))
        except MetaLLMError as error:
            if isinstance(error, ProviderError):
                self._metrics.failed(error)
            self._end = write_event(error_body(error))
        except Exception as error:  # noqa: BLE001 - the answer has begun: it can only be told within
            tell_internal(self._log, self._note, error)
            self._end = write_event(internal_body(self._note.request_id))
