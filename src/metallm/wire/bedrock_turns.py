"""A conversation, from the canonical messages to Converse's system prompt and turns."""

from __future__ import annotations

import re
from typing import Any

from metallm.wire.base import UncarriedError
from metallm.wire.bedrock_content import cache_points, write_blocks
from metallm.wire.bedrock_models import signs_thoughts, takes_cache_points, takes_system
from metallm.wire.bedrock_thoughts import write_thoughts
from metallm.wire.canonical import call_of, id_of, role_of
from metallm.wire.extensions import IS_ERROR, THINKING

_NO_ID = re.compile(r"[^a-zA-Z0-9_.:-]")


class Turns:
    """One conversation, written.

    System messages are put together at the top, wherever they stood, or said before the first turn
    to models that take none. Turns of one side follow each other in one, for the wire wants the
    sides to alternate; a turn without any content is left out.

    Args:
        messages: the canonical ones.
        model: its id.

    Attributes:
        system: the blocks of the system prompt.
        messages: the turns.
        calls: whether tools were called in them.

    Raises:
        UncarriedError: what this wire cannot carry, by its place.
    """

    def __init__(self, messages: object, model: str) -> None:
        if not isinstance(messages, list):
            raise UncarriedError("messages, which are no list")
        self.system: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.calls = False
        self._marks = takes_cache_points(model)
        self._signed = signs_thoughts(model)
        self._names: set[str] = set()
        for number, message in enumerate(messages):
            place = f"messages[{number}]"
            role = role_of(message, place)
            if role in {"system", "developer"}:
                self.system += self._marked(self._blocks(message, place), message)
            else:
                blocks = (
                    self._assistant(message, place)
                    if role == "assistant"
                    else (self._user(message, role, place))
                )
                self._add("assistant" if role == "assistant" else "user", blocks)
        if self.system and not takes_system(model):
            self._say_first(self.system)
            self.system = []

    def _add(self, role: str, blocks: list[dict[str, Any]]) -> None:
        if not blocks:
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def _say_first(self, system: list[dict[str, Any]]) -> None:
        if self.messages and self.messages[0]["role"] == "user":
            self.messages[0]["content"] = system + self.messages[0]["content"]
        else:
            self.messages.insert(0, {"role": "user", "content": system})

    def _user(self, message: dict[str, Any], role: str, place: str) -> list[dict[str, Any]]:
        blocks = self._blocks(message, place)
        if role == "tool":
            self.calls = True
            call = _id(message.get("tool_call_id"), f"{place}.tool_call_id")
            result: dict[str, Any] = {"toolUseId": call, "content": blocks}
            if message.get(IS_ERROR):
                result["status"] = "error"
            blocks = [{"toolResult": result}]
        return self._marked(blocks, message)

    def _assistant(self, message: dict[str, Any], place: str) -> list[dict[str, Any]]:
        for name in ("function_call", "audio"):
            if message.get(name):
                raise UncarriedError(f"{place}.{name}")
        blocks = write_thoughts(message.get(THINKING)) if self._signed else []
        blocks += self._blocks(message, place)
        calls = message.get("tool_calls")
        for number, call in enumerate(calls if isinstance(calls, list) else ()):
            self.calls = True
            blocks.append(_call(call, f"{place}.tool_calls[{number}]"))
        return self._marked(blocks, message)

    def _blocks(self, message: dict[str, Any], place: str) -> list[dict[str, Any]]:
        content = message.get("content") or message.get("refusal")
        blocks = write_blocks(content, f"{place}.content", marks=self._marks)
        for block in blocks:
            if "document" in block:
                self._name(block["document"])
        return blocks

    def _name(self, document: dict[str, Any]) -> None:
        """No two documents of a conversation may have one name."""
        name, number = document["name"], 2
        while document["name"] in self._names:
            document["name"], number = f"{name} ({number})", number + 1
        self._names.add(document["name"])

    def _marked(
        self, blocks: list[dict[str, Any]], message: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """A mark on the whole message follows its last block."""
        return blocks + cache_points(message, marks=self._marks) if blocks else blocks


def _id(given: object, place: str) -> str:
    """An id as this wire spells them; the same for a call and its result."""
    return _NO_ID.sub("_", id_of(given, place))[:64]


def _call(call: object, place: str) -> dict[str, Any]:
    made = call_of(call, place)
    use = {"toolUseId": _id(made.id, f"{place}.id"), "name": made.name}
    return {"toolUse": {**use, "input": made.arguments}}
