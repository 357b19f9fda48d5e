"""Bedrock's ConverseStream: what a caller is sent, from an arm of any wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.wires import BEDROCK
from metallm.wire.bedrock_answer import stop_reason
from metallm.wire.bedrock_errors import kind_of, write_error
from metallm.wire.bedrock_frames import EXCEPTION, write_frame
from metallm.wire.bedrock_usage import write_usage
from metallm.wire.openai_chat import content_text
from metallm.wire.openai_usage import read_usage
from metallm.wire.words import word

if TYPE_CHECKING:
    from metallm.core.completion import StreamEvent
    from metallm.core.price import Usage


class ConverseWriter:
    """Writes one stream. Events of this wire pass; canonical chunks become blocks.

    A block ends where another begins; calls of tools are kept until the end, for they may come
    interleaved.
    """

    def __init__(self) -> None:
        self._native = False
        self._begun = False
        self._kind: str | None = None
        self._count = 0
        self._calls: dict[int, dict[str, Any]] = {}
        self._reason = ""
        self._usage: Usage | None = None

    def event(self, event: StreamEvent) -> bytes:
        """The frames for an event of the arm's stream."""
        document = orjson.loads(event.data)
        if event.wire == BEDROCK:
            self._native = True
            return b"".join(_frame(kind, told) for kind, told in document.items())
        frames = b"" if self._begun else _frame("messageStart", {"role": "assistant"})
        self._begun = True
        self._usage = event.usage or read_usage(document.get("usage")) or self._usage
        for choice in document.get("choices") or ():
            delta = choice.get("delta")
            frames += self._add(delta if isinstance(delta, dict) else {})
            self._reason = word(choice.get("finish_reason")) or self._reason
        return frames

    def end(self) -> bytes:
        """The calls, the end of the message, and the usage where it is known."""
        if self._native:
            return b""
        frames = self._leave()
        for _, call in sorted(self._calls.items()):
            frames += self._call(call)
        why = stop_reason(self._reason, calls=bool(self._calls))
        frames += _frame("messageStop", {"stopReason": why})
        if self._usage is not None:
            told = {"usage": write_usage(self._usage), "metrics": {"latencyMs": 0}}
            frames += _frame("metadata", told)
        return frames

    def error(self, body: bytes, *, status: int) -> bytes:
        """An exception within the stream."""
        kind = kind_of(status)
        named = kind[:1].lower() + kind[1:]
        return write_frame(named, write_error(body, status=status), message_type=EXCEPTION)

    def _add(self, delta: dict[str, Any]) -> bytes:
        calls = delta.get("tool_calls")
        for piece in calls if isinstance(calls, list) else ():
            if isinstance(piece, dict):
                self._add_call(piece)
        frames = b""
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            frames += self._piece("thought", {"reasoningContent": {"text": thought}})
        if text := content_text(delta.get("content")) or word(delta.get("refusal")):
            frames += self._piece("text", {"text": text})
        return frames

    def _piece(self, kind: str, delta: dict[str, Any]) -> bytes:
        frames = b""
        if self._kind != kind:
            frames = self._leave()
            self._kind = kind
        return frames + _frame(
            "contentBlockDelta", {"contentBlockIndex": self._count, "delta": delta}
        )

    def _leave(self) -> bytes:
        """The end of the block that is open, if one is."""
        if self._kind is None:
            return b""
        self._kind = None
        self._count += 1
        return _frame("contentBlockStop", {"contentBlockIndex": self._count - 1})

    def _add_call(self, piece: dict[str, Any]) -> None:
        given, function = piece.get("index"), piece.get("function")
        index = given if isinstance(given, int) else 0
        call = self._calls.setdefault(index, {"id": None, "name": None, "arguments": ""})
        call["id"] = piece.get("id") or call["id"]
        if isinstance(function, dict):
            call["name"] = function.get("name") or call["name"]
            call["arguments"] += word(function.get("arguments"))

    def _call(self, call: dict[str, Any]) -> bytes:
        place = {"contentBlockIndex": self._count}
        self._count += 1
        use = {"toolUseId": call["id"], "name": call["name"]}
        delta = {"toolUse": {"input": call["arguments"]}}
        return (
            _frame("contentBlockStart", {**place, "start": {"toolUse": use}})
            + _frame("contentBlockDelta", {**place, "delta": delta})
            + _frame("contentBlockStop", place)
        )


def _frame(kind: str, event: Any) -> bytes:
    return write_frame(kind, orjson.dumps(event))
