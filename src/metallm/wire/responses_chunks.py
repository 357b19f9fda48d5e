"""Events of OpenAI's Responses as chunks of the canonical form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.extensions import THINKING
from metallm.wire.openai_stream import write_chunk
from metallm.wire.responses_reading import finish_reason, thought_in
from metallm.wire.responses_thoughts import kept
from metallm.wire.words import fields, kind, objects, word

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
        self._calls: dict[int, int] = {}
        self._said: set[int] = set()
        self._translators: dict[str, Callable[[dict[str, Any]], Told]] = {
            "response.created": self._start,
            "response.output_text.delta": self._text,
            "response.refusal.delta": self._refusal,
            "response.reasoning_text.delta": self._thought,
            "response.reasoning_summary_text.delta": self._thought,
            "response.output_item.added": self._added,
            "response.function_call_arguments.delta": self._arguments,
            "response.output_item.done": self._done,
        }

    def translate(self, event: dict[str, Any]) -> Told:
        """The chunks for one event; none for those that chat completions have no use for."""
        translator = self._translators.get(kind(event))
        return [] if translator is None else translator(event)

    def end(self, response: dict[str, Any]) -> Told:
        """The chunk that says why the answer ended."""
        reason = finish_reason(response)
        if reason == "stop" and self._calls:
            reason = "tool_calls"
        return [(write_chunk(**self._named, finish_reason=reason), "")]

    def usage(self, usage: Usage) -> bytes:
        """The extra chunk with usage."""
        return write_chunk(**self._named, usage=usage)

    def _start(self, event: dict[str, Any]) -> Told:
        response = fields(event.get("response"))
        self._named["answer_id"] = word(response.get("id"))
        self._named["model"] = word(response.get("model")) or self._named["model"]
        return self._chunk({"role": "assistant", "content": ""})

    def _text(self, event: dict[str, Any]) -> Told:
        text, logprobs = word(event.get("delta")), objects(event.get("logprobs"))
        if not text:
            return []
        told = {"content": logprobs, "refusal": None} if logprobs else None
        chunk = write_chunk(**self._named, delta={"content": text}, logprobs=told)
        return [(chunk, text)]

    def _refusal(self, event: dict[str, Any]) -> Told:
        return self._chunk({"refusal": word(event.get("delta"))})

    def _thought(self, event: dict[str, Any]) -> Told:
        self._said.add(_place(event))
        return self._chunk({"reasoning_content": word(event.get("delta"))})

    def _added(self, event: dict[str, Any]) -> Told:
        item, place = fields(event.get("item")), _place(event)
        if kind(item) != "function_call":
            return []
        index = self._calls.setdefault(place, len(self._calls))
        function = {"name": item.get("name"), "arguments": ""}
        begun = {"index": index, "id": item.get("call_id"), "type": "function"}
        return self._chunk({"tool_calls": [{**begun, "function": function}]})

    def _arguments(self, event: dict[str, Any]) -> Told:
        index = self._calls.get(_place(event))
        if index is None:
            return []
        self._said.add(_place(event))
        function = {"arguments": word(event.get("delta"))}
        return self._chunk({"tool_calls": [{"index": index, "function": function}]})

    def _done(self, event: dict[str, Any]) -> Told:
        """What an item holds that none of its events have told."""
        item, place = fields(event.get("item")), _place(event)
        told: Told = []
        if kind(item) == "function_call" and place in self._calls and place not in self._said:
            whole = {**event, "delta": word(item.get("arguments")) or "{}"}
            return self._arguments(whole)
        if kind(item) != "reasoning":
            return []
        if place not in self._said and (thought := thought_in(item)):
            told = self._chunk({"reasoning_content": thought})
        if blocks := kept(item):
            told += self._chunk({THINKING: blocks})
        return told

    def _chunk(self, delta: dict[str, Any]) -> Told:
        return [(write_chunk(**self._named, delta=delta), "")]


def _place(event: dict[str, Any]) -> int:
    """The item that an event is about."""
    place = event.get("output_index")
    return place if isinstance(place, int) else -1
