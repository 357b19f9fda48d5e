"""Gemini's streamGenerateContent: what a caller is sent, from an arm of any wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.wires import GEMINI
from metallm.wire.gemini_answer import call_part
from metallm.wire.gemini_candidate import REASONS
from metallm.wire.gemini_errors import write_error
from metallm.wire.gemini_signatures import signature_of
from metallm.wire.gemini_usage import write_usage
from metallm.wire.openai_chat import content_text
from metallm.wire.openai_usage import read_usage
from metallm.wire.sse import write_event
from metallm.wire.words import word

if TYPE_CHECKING:
    from metallm.core.completion import StreamEvent
    from metallm.core.price import Usage


class ContentWriter:
    """Writes one stream. Events of this wire pass; canonical chunks become parts.

    Calls of tools are whole in this wire: they are kept until the end.

    Args:
        model: what to name as the model.
    """

    def __init__(self, model: str) -> None:
        self._named: dict[str, Any] = {"modelVersion": model}
        self._native = False
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

    def event(self, event: StreamEvent) -> bytes:
        """The frame for an event of the arm's stream; b"" where it says nothing yet."""
        document = orjson.loads(event.data)
        if event.wire == GEMINI:
            self._native = True
            return write_event(orjson.dumps({**document, **self._named}))
        self._named.setdefault("responseId", document.get("id"))
        self._usage = event.usage or read_usage(document.get("usage")) or self._usage
        candidates = []
        for choice in document.get("choices") or ():
            given, delta = choice.get("index"), choice.get("delta")
            index = given if isinstance(given, int) else 0
            kept = self._choices.setdefault(index, _Choice())
            kept.reason = word(choice.get("finish_reason")) or kept.reason
            parts = kept.add(delta) if isinstance(delta, dict) else []
            if parts:
                candidates.append(_candidate(index, parts))
        return self._frame(candidates) if candidates else b""

    def end(self) -> bytes:
        """The calls, why each candidate ended, and the usage, in one frame."""
        if self._native:
            return b""
        candidates = [
            {
                **_candidate(index, choice.calls()),
                "finishReason": REASONS.get(choice.reason, "STOP"),
            }
            for index, choice in sorted(self._choices.items())
        ]
        return self._frame(
            candidates or [{**_candidate(0, []), "finishReason": "STOP"}], ended=True
        )

    def error(self, body: bytes, *, status: int) -> bytes:
        """An error event."""
        return write_event(write_error(body, status=status))

    def _frame(self, candidates: list[dict[str, Any]], *, ended: bool = False) -> bytes:
        told: dict[str, Any] = {"candidates": candidates, **self._named}
        if ended and self._usage is not None:
            told["usageMetadata"] = write_usage(self._usage)
        return write_event(orjson.dumps(told))


class _Choice:
    """One choice on its way: its calls, piece by piece, and why it ended."""

    def __init__(self) -> None:
        self.reason = ""
        self._calls: dict[int, dict[str, Any]] = {}

    def add(self, delta: dict[str, Any]) -> list[dict[str, Any]]:
        """The parts that a delta adds; calls are kept."""
        calls = delta.get("tool_calls")
        for piece in calls if isinstance(calls, list) else ():
            if isinstance(piece, dict):
                self._add_call(piece)
        parts: list[dict[str, Any]] = []
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            parts.append({"text": thought, "thought": True})
        if text := content_text(delta.get("content")) or word(delta.get("refusal")):
            parts.append({"text": text})
        return parts

    def calls(self) -> list[dict[str, Any]]:
        """The calls, whole, in their order."""
        return [
            call_part(call["id"], call["name"], call["arguments"], call["signature"])
            for _, call in sorted(self._calls.items())
        ]

    def _add_call(self, piece: dict[str, Any]) -> None:
        given, function = piece.get("index"), piece.get("function")
        index = given if isinstance(given, int) else 0
        call = self._calls.setdefault(
            index, {"id": None, "name": None, "arguments": "", "signature": ""}
        )
        call["id"] = piece.get("id") or call["id"]
        call["signature"] = signature_of(piece) or call["signature"]
        if isinstance(function, dict):
            call["name"] = function.get("name") or call["name"]
            call["arguments"] += word(function.get("arguments"))


def _candidate(index: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": parts}, "index": index}
