"""A conversation, from the canonical messages to Gemini's system instruction and contents."""

from __future__ import annotations

from typing import Any

from metallm.wire.base import UncarriedError
from metallm.wire.canonical import call_of, id_of, role_of
from metallm.wire.extensions import IS_ERROR
from metallm.wire.gemini_content import write_parts
from metallm.wire.gemini_signatures import SIGNATURE, UNSIGNED, signature_of
from metallm.wire.words import fields


class Turns:
    """One conversation, written.

    System messages are put together, wherever they stood, and a turn without any content is left
    out: the wire knows neither. The results of one turn's tools go into one turn.

    Args:
        messages: the canonical ones.
        signed: whether calls have to be signed.

    Attributes:
        system: the `systemInstruction`; None for none.
        contents: the turns.

    Raises:
        UncarriedError: what this wire cannot carry, by its place.
    """

    def __init__(self, messages: object, *, signed: bool) -> None:
        if not isinstance(messages, list):
            raise UncarriedError("messages, which are no list")
        self.contents: list[dict[str, Any]] = []
        self._signed = signed
        self._names: dict[str, Any] = {}
        self._results: list[dict[str, Any]] | None = None
        system: list[dict[str, Any]] = []
        for number, message in enumerate(messages):
            place = f"messages[{number}]"
            role = role_of(message, place)
            if role in {"system", "developer"}:
                system += _texts(message.get("content"), f"{place}.content")
            elif role == "tool":
                self._add_result(message, place)
            else:
                self._results = None
                parts = self._parts(message, role, place)
                if parts:
                    self.contents.append(
                        {"role": "model" if role == "assistant" else role, "parts": parts}
                    )
        self.system = {"parts": system} if system else None

    def _parts(self, message: dict[str, Any], role: str, place: str) -> list[dict[str, Any]]:
        if role == "user":
            return write_parts(message.get("content"), f"{place}.content")
        for name in ("function_call", "audio"):
            if message.get(name):
                raise UncarriedError(f"{place}.{name}")
        said = message.get("content") or message.get("refusal")
        parts = write_parts(said, f"{place}.content")
        calls = message.get("tool_calls")
        for number, call in enumerate(calls if isinstance(calls, list) else ()):
            part = self._call(call, f"{place}.tool_calls[{number}]")
            if number == 0 and self._signed:  # of calls made at once, the first is signed
                part.setdefault(SIGNATURE, UNSIGNED)
            parts.append(part)
        return parts

    def _call(self, call: object, place: str) -> dict[str, Any]:
        made = call_of(call, place)
        self._names[made.id] = made.name
        told = {"id": made.id, "name": made.name, "args": made.arguments}
        part: dict[str, Any] = {"functionCall": told}
        if signature := signature_of(fields(call)):
            part[SIGNATURE] = signature
        return part

    def _add_result(self, message: dict[str, Any], place: str) -> None:
        call = id_of(message.get("tool_call_id"), f"{place}.tool_call_id")
        if call not in self._names:
            raise UncarriedError(f"{place}.tool_call_id, which names no call before it")
        texts = _texts(message.get("content"), f"{place}.content")
        text = "".join(part["text"] for part in texts)
        response = {"error" if message.get(IS_ERROR) else "output": text}
        if self._results is None:
            self._results = []
            self.contents.append({"role": "user", "parts": self._results})
        told = {"id": call, "name": self._names[call], "response": response}
        self._results.append({"functionResponse": told})


def _texts(content: object, place: str) -> list[dict[str, Any]]:
    parts = write_parts(content, place)
    if any("text" not in part for part in parts):
        raise UncarriedError(f"{place}, which may hold text alone")
    return parts
