"""OpenAI's Responses as a stream: what an arm sends, read and translated where it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.completion import StreamEvent
from metallm.core.wires import RESPONSES
from metallm.errors import StreamCutError
from metallm.wire.documents import event_json, event_object
from metallm.wire.openai_errors import error_in
from metallm.wire.responses_reading import read_usage, status_of
from metallm.wire.sse import SSEReader
from metallm.wire.words import fields, kind, word

if TYPE_CHECKING:
    from metallm.wire.responses_chunks import Chunks

_ENDS = frozenset({"response.completed", "response.incomplete"})


class ResponsesReader:
    """Reads the events of one stream.

    Args:
        arm: the arm's name, for messages.
        chunks: translates events; None hands them on as they came.
        usage_asked: whether the caller asked for the extra chunk with usage.

    Attributes:
        done: the stream said that it is over; nothing more is read.
    """

    def __init__(self, arm: str, chunks: Chunks | None, *, usage_asked: bool = False) -> None:
        self.done = False
        self._arm = arm
        self._chunks = chunks
        self._usage_asked = usage_asked
        self._sse = SSEReader()

    @property
    def whole(self) -> bool:
        """Whether the answer is complete: its last event holds all of it."""
        return self.done

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are complete with these bytes.

        Raises:
            StreamCutError: an error event, or one that cannot be read.
        """
        events: list[StreamEvent] = []
        for data in self._sse.feed(chunk):
            if self.done:
                break
            events += self._event(data)
        return events

    def finish(self) -> list[StreamEvent]:
        """The events that the end of the bytes completes.

        Raises:
            StreamCutError: as for `feed`, or the answer is not complete.
        """
        events = [
            event
            for data in self._sse.finish()
            for event in (() if self.done else self._event(data))
        ]
        if not self.whole:
            raise StreamCutError(self._arm, "the stream ended before the answer did")
        return events

    def _event(self, data: bytes) -> list[StreamEvent]:
        event = self._document(data)
        response = fields(event.get("response"))
        self._check(event, response)
        ended = kind(event) in _ENDS
        self.done = ended
        told_usage = response.get("usage") if ended else None
        usage = read_usage(told_usage, response.get("service_tier"))
        if self._chunks is None:
            return [StreamEvent(data, _text(event), usage, wire=RESPONSES)]
        told = self._chunks.end(response) if ended else self._chunks.translate(event)
        events = [StreamEvent(chunk, text) for chunk, text in told]
        if usage is not None:
            extra = self._chunks.usage(usage)
            events.append(StreamEvent(extra, "", usage, only_usage=not self._usage_asked))
        return events

    def _check(self, event: dict[str, Any], response: dict[str, Any]) -> None:
        """Refuse an event that says that there will be no answer."""
        if kind(event) in {"error", "response.failed"} or "error" in event:
            # bare in an "error" event, or within it, or within the response that failed
            bare = {"error": {name: event.get(name) for name in ("code", "message", "param")}}
            problem = error_in(event) or error_in(response) or error_in(bare)
            told = problem.kind if problem is not None else ""
            raise StreamCutError(
                self._arm,
                f"the stream broke off with an error ({told or 'no kind given'})",
                status=None if problem is None else status_of(problem),
            )

    def _document(self, data: bytes) -> dict[str, Any]:
        return event_object(self._arm, event_json(self._arm, data))


def _text(event: dict[str, Any]) -> str:
    """The text that an event adds."""
    return word(event.get("delta")) if kind(event) == "response.output_text.delta" else ""
