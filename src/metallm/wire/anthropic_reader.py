"""Anthropic's Messages as a stream: what an arm sends, read and translated where it must be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metallm.core.completion import StreamEvent
from metallm.core.wires import ANTHROPIC
from metallm.errors import StreamCutError
from metallm.wire.anthropic_errors import stream_error
from metallm.wire.anthropic_usage import read_usage
from metallm.wire.documents import event_json, event_object
from metallm.wire.sse import SSEReader

if TYPE_CHECKING:
    from metallm.core.price import Usage
    from metallm.wire.anthropic_chunks import Chunks


class MessagesReader:
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
        self._usage: dict[str, Any] = {}
        self._stopped = False
        self._billed = False

    @property
    def whole(self) -> bool:
        """Whether the answer is complete: it was said why it ended."""
        return self.done or self._stopped

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are complete with these bytes.

        Raises:
            StreamCutError: an error event, or one that cannot be read.
        """
        return self._events(self._sse.feed(chunk))

    def finish(self) -> list[StreamEvent]:
        """The events that the end of the bytes completes.

        Raises:
            StreamCutError: as for `feed`, or the answer is not complete.
        """
        events = self._events(self._sse.finish())
        if not self.whole:
            raise StreamCutError(self._arm, "the stream ended before the answer did")
        return events + self._bill()

    def _events(self, payloads: list[bytes]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for data in payloads:
            if self.done:
                break
            events += self._event(data)
        return events

    def _event(self, data: bytes) -> list[StreamEvent]:
        event = self._document(data)
        kind = event.get("type")
        if kind == "error":
            told, status = stream_error(event)
            raise StreamCutError(
                self._arm, f"the stream broke off with an error ({told})", status=status
            )
        if kind == "message_stop":
            self.done = True  # the end is for whoever passes it on to tell
            return self._bill()
        usage = self._read_usage(event)
        if self._chunks is None:
            return [StreamEvent(data, _text(event), usage, wire=ANTHROPIC)]
        told_usage = usage if kind == "message_start" else None  # at the end it has its own chunk
        return [
            StreamEvent(chunk, text, told_usage) for chunk, text in self._chunks.translate(event)
        ]

    def _document(self, data: bytes) -> dict[str, Any]:
        return event_object(self._arm, event_json(self._arm, data))

    def _read_usage(self, event: dict[str, Any]) -> Usage | None:
        """Usage so far; what a later event tells replaces what an earlier one did."""
        kind = event.get("type")
        if kind == "message_start":
            message = event.get("message")
            self._add(message.get("usage") if isinstance(message, dict) else None)
            usage = read_usage({**self._usage, "output_tokens": 0})
            # of the output nothing is known yet: whoever has to bill a cut stream guesses that
            return None if usage is None else replace(usage, estimated=True)
        if kind != "message_delta":
            return None
        self._add(event.get("usage"))
        delta = event.get("delta")
        if isinstance(delta, dict) and delta.get("stop_reason") is not None:
            self._stopped = True
        return read_usage(self._usage)

    def _add(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _bill(self) -> list[StreamEvent]:
        """The extra chunk with usage, once."""
        usage = read_usage(self._usage)
        if self._chunks is None or self._billed or usage is None:
            return []
        self._billed = True
        chunk = self._chunks.usage(usage)
        return [StreamEvent(chunk, "", usage, only_usage=not self._usage_asked)]


def _text(event: dict[str, Any]) -> str:
    """The text that an event adds."""
    delta = event.get("delta")
    if event.get("type") != "content_block_delta" or not isinstance(delta, dict):
        return ""
    text = delta.get("text")
    return text if isinstance(text, str) else ""
