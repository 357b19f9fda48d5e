"""Bedrock's ConverseStream: what an arm sends, read and translated where it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import StreamEvent
from metallm.core.wires import BEDROCK
from metallm.errors import StreamCutError
from metallm.wire.bedrock_answer import FAILURES, id_of
from metallm.wire.bedrock_chunks import Chunks
from metallm.wire.bedrock_errors import status_of
from metallm.wire.bedrock_frames import EVENT, FrameError, FrameReader
from metallm.wire.bedrock_models import counts_all
from metallm.wire.bedrock_usage import read_usage
from metallm.wire.documents import event_json, event_object
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.price import Usage


class ConverseReader:
    """Reads the events of one stream; the last of them tells the usage.

    Handed on as it came, an event is one JSON object: its kind, and what its frame holds.

    Args:
        arm: whose answer it is.
        native: whether events are handed on as they came.
        created: POSIX seconds.
        usage_asked: whether the caller asked for the extra chunk with usage.

    Attributes:
        done: the stream said that it is over; nothing more is read.

    Raises:
        MissingExtraError: botocore is not installed.
    """

    def __init__(self, arm: Arm, *, native: bool, created: int, usage_asked: bool) -> None:
        self.done = False
        self._arm = arm
        self._native = native
        self._created = created
        self._usage_asked = usage_asked
        self._frames = FrameReader()
        self._chunks: Chunks | None = None
        self._said = False
        self._stopped = False

    @property
    def whole(self) -> bool:
        """Whether the answer is complete: it was said why it ended."""
        return self.done or self._stopped

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are complete with these bytes.

        Raises:
            StreamCutError: an exception within the stream, or bytes that cannot be read.
        """
        try:
            frames = self._frames.feed(chunk)
        except FrameError as error:
            raise StreamCutError(self._arm.name, f"the stream holds {error}") from error
        events: list[StreamEvent] = []
        for headers, payload in frames:
            if self.done:
                break
            events += self._event(headers, payload)
        return events

    def finish(self) -> list[StreamEvent]:
        """Nothing more: frames have their length.

        Raises:
            StreamCutError: the answer is not complete.
        """
        if not self.whole:
            raise StreamCutError(self._arm.name, "the stream ended before the answer did")
        return []

    def _event(self, headers: Mapping[str, object], payload: bytes) -> list[StreamEvent]:
        if headers.get(":message-type") != EVENT:
            kind = word(headers.get(":exception-type")) or word(headers.get(":error-code"))
            told = kind[:80] or "no kind given"
            raise StreamCutError(
                self._arm.name,
                f"the stream broke off with an error ({told})",
                status=status_of(kind),
            )
        kind, event = word(headers.get(":event-type")), self._document(payload)
        if self._chunks is None:
            answer_id, model = id_of(payload, self._created), self._arm.upstream_model
            self._chunks = Chunks(answer_id=answer_id, created=self._created, model=model)
        usage = self._note(kind, event)
        told_chunks = self._chunks.translate(kind, event)
        if self._native:
            data = b"{" + orjson.dumps(kind) + b":" + payload + b"}"
            text = "".join(text for _, text in told_chunks)
            return [StreamEvent(data, text, usage, wire=BEDROCK)]
        events = [StreamEvent(chunk, text) for chunk, text in told_chunks]
        if usage is not None:
            chunk = self._chunks.usage(usage)
            events.append(StreamEvent(chunk, "", usage, only_usage=not self._usage_asked))
        return events

    def _note(self, kind: str, event: dict[str, Any]) -> Usage | None:
        """Note how far the answer has come; the usage where this event tells it."""
        if kind.startswith("contentBlock"):
            self._said = True
        elif kind == "messageStop":
            why = word(event.get("stopReason"))
            if why in FAILURES and not self._said:
                raise StreamCutError(self._arm.name, f"the model failed within its answer ({why})")
            self._stopped = True
        elif kind == "metadata" and self._stopped:
            self.done = True
            gross = counts_all(self._arm.upstream_model)
            return read_usage(
                event.get("usage"), counts_all=gross, service=event.get("serviceTier")
            )
        return None

    def _document(self, payload: bytes) -> dict[str, Any]:
        return event_object(self._arm.name, event_json(self._arm.name, payload))
