"""The output of OpenAI's Responses: what a canonical message, or its deltas, becomes item by item.

A whole answer is read as one delta that holds all of it, so that whole and streamed are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.anthropic_answer import thoughts_in
from metallm.wire.extensions import THINKING
from metallm.wire.openai_chat import content_text
from metallm.wire.responses_thoughts import seal
from metallm.wire.words import fields, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

Events = list[dict[str, Any]]
"""Events of a stream, not numbered yet."""

_MESSAGE, _REASONING = "message", "reasoning"

_FIELDS: Mapping[str, str] = {
    "output_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
"""Where a part's words stand, by its type."""


class Output:
    """The items of one answer, in the order in which they begin.

    A message or a reasoning ends where something else begins. Calls of tools end with the answer:
    they may come interleaved.

    Args:
        answer_id: what the ids of items are made of.

    Attributes:
        items: all of them, as far as they have come.
    """

    def __init__(self, answer_id: str) -> None:
        self._answer_id = answer_id
        self.items: list[dict[str, Any]] = []
        self._open: int | None = None
        self._calls: dict[int, int] = {}
        self._signed: list[dict[str, Any]] = []
        self._thought = ""

    def add(self, delta: Mapping[str, Any], logprobs: object = None) -> Events:
        """The events for what a delta adds.

        Args:
            delta: of the canonical form; or a whole message.
            logprobs: of the tokens that the text has.
        """
        events: Events = []
        if thought := thoughts_in(delta):
            events += self._think(thought)
        for block in objects(delta.get(THINKING)):
            events += self._sign(block)
        if text := content_text(delta.get("content")):
            events += self._say("output_text", text, objects(fields(logprobs).get("content")))
        if refusal := word(delta.get("refusal")):
            events += self._say("refusal", refusal, [])
        for place, call in enumerate(objects(delta.get("tool_calls"))):
            given = call.get("index")
            events += self._call(given if isinstance(given, int) else place, call)
        return events

    def close(self, status: str = "completed") -> Events:
        """The end of all that is open.

        Args:
            status: "completed", or "incomplete" where the answer broke off.
        """
        events = self._leave(status)
        for place in self._calls.values():
            item = self.items[place]
            told = {"name": item["name"], "arguments": item["arguments"]}
            events.append(self._event("function_call_arguments.done", place, **told))
            events.append(self._done(place, status))
        self._calls = {}
        return events

    def _think(self, thought: str) -> Events:
        self._thought += thought
        return self._say("reasoning_text", thought, [])

    def _sign(self, block: dict[str, Any]) -> Events:
        """A whole thought with its signature, most of which was streamed before."""
        events: Events = []
        thought = word(block.get("thinking"))
        if thought and thought not in self._thought:
            events = self._think(thought)
        elif self._kind() != _REASONING:
            events = self._begin(_REASONING)
        self._signed.append(block)
        return events

    def _say(self, kind: str, text: str, logprobs: list[dict[str, Any]]) -> Events:
        events: Events = []
        item_kind = _REASONING if kind == "reasoning_text" else _MESSAGE
        if self._kind() != item_kind:
            events += self._begin(item_kind)
        place = len(self.items) - 1 if self._open is None else self._open
        content = self.items[place].setdefault("content", [])
        if not content or content[-1]["type"] != kind:
            content.append(_part(kind))
            events.append(self._part_event("added", place, _part(kind)))
        content[-1][_FIELDS[kind]] += text
        told: dict[str, Any] = {"content_index": len(content) - 1, "delta": text}
        if kind == "output_text":
            content[-1]["logprobs"] += logprobs
            told["logprobs"] = logprobs
        return [*events, self._event(f"{kind}.delta", place, **told)]

    def _call(self, index: int, piece: dict[str, Any]) -> Events:
        events: Events = []
        function = fields(piece.get("function"))
        place = self._calls.get(index)
        if place is None:
            events += self._leave("completed")
            place = self._calls[index] = len(self.items)
            events += self._added(
                {
                    "id": f"fc_{self._answer_id}_{place}",
                    "type": "function_call",
                    "status": "in_progress",
                    "call_id": word(piece.get("id")) or f"call_{self._answer_id}_{place}",
                    "name": word(function.get("name")),
                    "arguments": "",
                }
            )
        if arguments := word(function.get("arguments")):
            self.items[place]["arguments"] += arguments
            events.append(self._event("function_call_arguments.delta", place, delta=arguments))
        return events

    def _kind(self) -> str | None:
        """The type of the message or reasoning that is open."""
        return None if self._open is None else self.items[self._open]["type"]

    def _begin(self, kind: str) -> Events:
        events, place = self._leave("completed"), len(self.items)
        self._open = place
        if kind == _REASONING:
            item: dict[str, Any] = {"id": f"rs_{self._answer_id}_{place}", "summary": []}
        else:
            item = {"id": f"msg_{self._answer_id}_{place}", "role": "assistant", "content": []}
        return [*events, *self._added({"type": kind, "status": "in_progress", **item})]

    def _leave(self, status: str) -> Events:
        """The end of the message or reasoning that is open, if one is."""
        if self._open is None:
            return []
        place, self._open = self._open, None
        item, events = self.items[place], []
        for number, part in enumerate(item.get("content", [])):
            name = _FIELDS[part["type"]]
            told = {"content_index": number, name: part[name]}
            if part["type"] == "output_text":
                told["logprobs"] = part["logprobs"]
            events.append(self._event(f"{part['type']}.done", place, **told))
            events.append(self._part_event("done", place, part, number))
        if self._signed and item["type"] == _REASONING:
            item["encrypted_content"] = seal(self._signed)
            self._signed = []
        return [*events, self._done(place, status)]

    def _added(self, item: dict[str, Any]) -> Events:
        self.items.append(item)
        told = {**item, "content": []} if "content" in item else dict(item)
        place = len(self.items) - 1
        return [{"type": "response.output_item.added", "output_index": place, "item": told}]

    def _done(self, place: int, status: str) -> dict[str, Any]:
        item = self.items[place] = {**self.items[place], "status": status}
        return {"type": "response.output_item.done", "output_index": place, "item": item}

    def _part_event(
        self, what: str, place: int, part: dict[str, Any], number: int | None = None
    ) -> dict[str, Any]:
        count = len(self.items[place]["content"]) - 1
        index = count if number is None else number
        return self._event(f"content_part.{what}", place, content_index=index, part=part)

    def _event(self, kind: str, place: int, /, **told: Any) -> dict[str, Any]:
        where = {"item_id": self.items[place]["id"], "output_index": place}
        return {"type": f"response.{kind}", **where, **told}


def _part(kind: str) -> dict[str, Any]:
    """A part that holds nothing yet."""
    part: dict[str, Any] = {"type": kind, _FIELDS[kind]: ""}
    return {**part, "annotations": [], "logprobs": []} if kind == "output_text" else part
