"""Events of Anthropic's Messages as chunks of the canonical form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.anthropic_answer import finish_reason
from metallm.wire.extensions import THINKING
from metallm.wire.openai_stream import write_chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.core.price import Usage

Told = list[tuple[bytes, str]]
"""Chunks, each with the text that it adds."""


class Chunks:
    """Translates the events of one stream, in their order.

    Args:
        created: POSIX seconds.
        model: the arm's, until the stream names its own.
    """

    def __init__(self, *, created: int, model: str) -> None:
        self._named: dict[str, Any] = {"answer_id": "", "created": created, "model": model}
        self._calls = 0
        self._block: dict[str, Any] = {}
        self._said = ""
        self._translators: dict[str, Callable[[dict[str, Any]], Told]] = {
            "message_start": self._start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._delta,
        }

    def translate(self, event: dict[str, Any]) -> Told:
        """The chunks for one event; none for those that OpenAI's wire has no use for."""
        translator = self._translators.get(str(event.get("type")))
        return [] if translator is None else translator(event)

    def usage(self, usage: Usage) -> bytes:
        """The extra chunk with usage."""
        return write_chunk(**self._named, usage=usage)

    def _start(self, event: dict[str, Any]) -> Told:
        message = event.get("message")
        if isinstance(message, dict):
            self._named["answer_id"] = str(message.get("id") or "")
            self._named["model"] = str(message.get("model") or self._named["model"])
        return self._chunk({"role": "assistant", "content": ""})

    def _block_start(self, event: dict[str, Any]) -> Told:
        block = event.get("content_block")
        self._block, self._said = block if isinstance(block, dict) else {}, ""
        kind = self._block.get("type")
        if kind == "tool_use":
            begun = {"index": self._calls, "id": self._block.get("id"), "type": "function"}
            self._calls += 1
            given = self._block.get("input")
            self._said = orjson.dumps(given).decode() if given else ""
            function = {"name": self._block.get("name"), "arguments": self._said}
            return self._chunk({"tool_calls": [{**begun, "function": function}]})
        if kind == "redacted_thinking":
            return self._chunk({THINKING: [self._block]})
        text = self._block.get("text")
        return self._chunk({"content": text}, text) if isinstance(text, str) and text else []

    def _block_delta(self, event: dict[str, Any]) -> Told:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return []
        if isinstance(text := delta.get("text"), str):
            return self._chunk({"content": text}, text)
        if isinstance(piece := delta.get("partial_json"), str):
            self._said += piece
            return self._arguments(piece) if piece else []
        if isinstance(thought := delta.get("thinking"), str):
            self._said += thought
            return self._chunk({"reasoning_content": thought})
        if isinstance(signature := delta.get("signature"), str):
            self._block = {**self._block, "signature": signature}
        return []

    def _block_stop(self, event: dict[str, Any]) -> Told:
        del event
        kind = self._block.get("type")
        if kind == "tool_use" and not self._said:
            return self._arguments("{}")  # a call without arguments, which callers parse as JSON
        if kind == "thinking":
            return self._chunk({THINKING: [{**self._block, "thinking": self._said}]})
        return []

    def _delta(self, event: dict[str, Any]) -> Told:
        delta = event.get("delta")
        reason = finish_reason(delta.get("stop_reason")) if isinstance(delta, dict) else None
        return [] if reason is None else [(write_chunk(**self._named, finish_reason=reason), "")]

    def _arguments(self, piece: str) -> Told:
        call = {"index": self._calls - 1, "function": {"arguments": piece}}
        return self._chunk({"tool_calls": [call]})

    def _chunk(self, delta: dict[str, Any], text: str = "") -> Told:
        return [(write_chunk(**self._named, delta=delta), text)]
