"""The input of OpenAI's Responses, items in a row, as the canonical form's messages."""

from __future__ import annotations

from typing import Any

from metallm.wire.extensions import THINKING
from metallm.wire.responses_parts import (
    KEPT_NOWHERE,
    RefusedFieldError,
    objects_of,
    plainest,
    read_content,
    read_part,
    text_of,
)
from metallm.wire.responses_thoughts import unseal
from metallm.wire.words import kind, word

_ROLES = frozenset({"assistant", "developer", "system", "user"})


def read_input(source: object) -> list[dict[str, Any]]:
    """The messages that an input amounts to.

    Args:
        source: a text, or items.

    Raises:
        RefusedFieldError: an item of no known kind, or one that is named by its id.
    """
    if isinstance(source, str):
        return [{"role": "user", "content": source}]
    if not isinstance(source, list):
        raise RefusedFieldError("input", "must be a text or a list of items")
    turns = _Turns()
    for number, item in enumerate(objects_of(source, "input")):
        turns.add(item, f"input[{number}]")
    return turns.done()


class _Turns:
    """Puts together what one turn of an assistant is: reasoning, a text, and calls of tools."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._thoughts: list[dict[str, Any]] = []
        self._shown: list[dict[str, Any]] = []

    def add(self, item: dict[str, Any], place: str) -> None:
        """One more item."""
        given = kind(item) or ("message" if "role" in item else "")
        if given != "function_call_output":
            self._show()
        match given:
            case "message":
                self._message(item, place)
            case "function_call":
                self._call(item, place)
            case "function_call_output":
                self._result(item, place)
            case "reasoning":
                self._thoughts += unseal(item.get("encrypted_content"))
            case "item_reference":
                raise RefusedFieldError(place, f"is an item_reference: {KEPT_NOWHERE}")
            case other:
                raise RefusedFieldError(f"{place}.type", f"{other!r:.40} is no item that is served")

    def done(self) -> list[dict[str, Any]]:
        """All messages."""
        self._show()
        return self._messages

    def _message(self, item: dict[str, Any], place: str) -> None:
        role = word(item.get("role"))
        if role not in _ROLES:
            raise RefusedFieldError(f"{place}.role", f"must be one of {', '.join(sorted(_ROLES))}")
        content = read_content(item.get("content"), f"{place}.content")
        message = {"role": role, "content": content}
        if role == "assistant":
            self._think(message)
        else:
            self._thoughts = []  # of a turn that is over
        self._messages.append(message)

    def _call(self, item: dict[str, Any], place: str) -> None:
        function = {name: text_of(item, name, place) for name in ("name", "arguments")}
        call = {"id": text_of(item, "call_id", place), "type": "function", "function": function}
        if not self._messages or self._messages[-1]["role"] != "assistant":
            self._messages.append({"role": "assistant", "content": None})
        message = self._messages[-1]
        self._think(message)
        message.setdefault("tool_calls", []).append(call)

    def _result(self, item: dict[str, Any], place: str) -> None:
        """A tool's message, which holds text alone; what else it shows goes into the user's."""
        output = item.get("output")
        if not isinstance(output, str):
            place_of = f"{place}.output"
            parts = [
                read_part(part, f"{place_of}[{number}]")
                for number, part in enumerate(objects_of(output, place_of))
            ]
            self._shown += [part for part in parts if part["type"] != "text"]
            output = plainest([part for part in parts if part["type"] == "text"])
        call = text_of(item, "call_id", place)
        self._messages.append({"role": "tool", "tool_call_id": call, "content": output})

    def _show(self) -> None:
        """What tools showed, after the last of their messages: those have to stand together."""
        if self._shown:
            self._messages.append({"role": "user", "content": self._shown})
            self._shown = []

    def _think(self, message: dict[str, Any]) -> None:
        if self._thoughts:
            message[THINKING] = [*message.get(THINKING, []), *self._thoughts]
            self._thoughts = []
