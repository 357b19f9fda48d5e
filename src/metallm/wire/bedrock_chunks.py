"""Events of Bedrock's ConverseStream as chunks of the canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metallm.wire.bedrock_answer import finish_reason
from metallm.wire.bedrock_thoughts import signed
from metallm.wire.extensions import THINKING
from metallm.wire.openai_stream import write_chunk
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.core.price import Usage

Told = list[tuple[bytes, str]]
"""Chunks, each with the text that it adds."""


@dataclass(slots=True)
class _Block:
    """A content block on its way.

    Args:
        call: the place of the call among the calls; None where it is none.
        said: its arguments, or the thought, so far.
        signature: of the thought.
    """

    call: int | None = None
    said: str = ""
    signature: str = ""


class Chunks:
    """Translates the events of one stream, in their order.

    Args:
        answer_id: for "id": the stream has none.
        created: POSIX seconds.
        model: the arm's: the stream names none.
    """

    def __init__(self, *, answer_id: str, created: int, model: str) -> None:
        self._named: dict[str, Any] = {"answer_id": answer_id, "created": created, "model": model}
        self._calls = 0
        self._blocks: dict[object, _Block] = {}
        self._translators: dict[str, Callable[[dict[str, Any]], Told]] = {
            "messageStart": self._start,
            "contentBlockStart": self._block_start,
            "contentBlockDelta": self._block_delta,
            "contentBlockStop": self._block_stop,
            "messageStop": self._stop,
        }

    def translate(self, kind: str, event: dict[str, Any]) -> Told:
        """The chunks for one event; none for those that OpenAI's wire has no use for."""
        translator = self._translators.get(kind)
        return [] if translator is None else translator(event)

    def usage(self, usage: Usage) -> bytes:
        """The extra chunk with usage."""
        return write_chunk(**self._named, usage=usage)

    def _start(self, event: dict[str, Any]) -> Told:
        del event
        return self._chunk({"role": "assistant", "content": ""})

    def _block_start(self, event: dict[str, Any]) -> Told:
        start = event.get("start")
        use = start.get("toolUse") if isinstance(start, dict) else None
        if not isinstance(use, dict):
            return []
        self._block(event).call = self._calls
        begun = {"index": self._calls, "id": use.get("toolUseId"), "type": "function"}
        self._calls += 1
        function = {"name": use.get("name"), "arguments": ""}
        return self._chunk({"tool_calls": [{**begun, "function": function}]})

    def _block_delta(self, event: dict[str, Any]) -> Told:
        delta, block = event.get("delta"), self._block(event)
        if not isinstance(delta, dict):
            return []
        if isinstance(text := delta.get("text"), str):
            return self._chunk({"content": text}, text)
        if isinstance(use := delta.get("toolUse"), dict):
            return self._arguments(block, word(use.get("input")))
        if isinstance(thought := delta.get("reasoningContent"), dict):
            return self._thought(block, thought)
        return []

    def _thought(self, block: _Block, thought: dict[str, Any]) -> Told:
        if redacted := word(thought.get("redactedContent")):
            return self._chunk({THINKING: [{"type": "redacted_thinking", "data": redacted}]})
        block.signature = word(thought.get("signature")) or block.signature
        text = word(thought.get("text"))
        block.said += text
        return self._chunk({"reasoning_content": text}) if text else []

    def _block_stop(self, event: dict[str, Any]) -> Told:
        block = self._block(event)
        if block.call is not None and not block.said:
            return self._arguments(block, "{}")  # a call without any, which callers parse as JSON
        if block.signature:
            return self._chunk({THINKING: [signed(block.said, block.signature)]})
        return []

    def _stop(self, event: dict[str, Any]) -> Told:
        reason = finish_reason(word(event.get("stopReason")) or "end_turn")
        return [(write_chunk(**self._named, finish_reason=reason), "")]

    def _arguments(self, block: _Block, piece: str) -> Told:
        if block.call is None or not piece:
            return []
        block.said += piece
        call = {"index": block.call, "function": {"arguments": piece}}
        return self._chunk({"tool_calls": [call]})

    def _block(self, event: dict[str, Any]) -> _Block:
        given = event.get("contentBlockIndex")
        return self._blocks.setdefault(given if isinstance(given, int) else 0, _Block())

    def _chunk(self, delta: dict[str, Any], text: str = "") -> Told:
        return [(write_chunk(**self._named, delta=delta), text)]
