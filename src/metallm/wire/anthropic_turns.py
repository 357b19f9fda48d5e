"""A conversation, from the canonical messages to Anthropic's system prompt and turns."""

from __future__ import annotations

import re
from typing import Any

from metallm.wire.anthropic_content import write_blocks
from metallm.wire.base import UncarriedError
from metallm.wire.canonical import call_of, id_of, role_of
from metallm.wire.extensions import CACHE_CONTROL, IS_ERROR, THINKING
from metallm.wire.responses_thoughts import foreign
from metallm.wire.words import kind

_NO_ID = re.compile(r"[^a-zA-Z0-9_-]")


def write_turns(messages: object) -> tuple[Any, list[dict[str, Any]]]:
    """The system prompt, None where there is none, and the turns.

    System messages are put together at the top, wherever they stood, and a turn without any content
    is left out: the wire knows neither. The results of one turn's tools go into one turn.

    Raises:
        UncarriedError: what this wire cannot carry, by its place.
    """
    if not isinstance(messages, list):
        raise UncarriedError("messages, which are no list")
    system: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    results: list[dict[str, Any]] | None = None
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        role = role_of(message, place)
        if role in {"system", "developer"}:
            system += _marked(write_blocks(message.get("content"), f"{place}.content"), message)
            continue
        if role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "content": results})
            results.append(_result(message, place))
            continue
        results = None
        content = _user(message, place) if role == "user" else _assistant(message, place)
        if content:
            turns.append({"role": role, "content": content})
    return _plainest(system) or None, turns


def tool_id(given: object, place: str) -> str:
    """An id as this wire spells them; the same for a call and its result."""
    return _NO_ID.sub("_", id_of(given, place))


def _user(message: dict[str, Any], place: str) -> Any:
    content = message.get("content")
    if isinstance(content, str) and message.get(CACHE_CONTROL) is None:
        return content
    return _marked(write_blocks(content, f"{place}.content"), message)


def _assistant(message: dict[str, Any], place: str) -> Any:
    for name in ("function_call", "audio"):
        if message.get(name):
            raise UncarriedError(f"{place}.{name}")
    thoughts = message.get(THINKING)
    blocks = list(thoughts) if isinstance(thoughts, list) else []
    blocks = [block for block in blocks if "thinking" in kind(block) and not foreign(block)]
    said = message.get("content") or message.get("refusal")
    blocks += write_blocks(said, f"{place}.content")
    calls = message.get("tool_calls")
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        blocks.append(_call(call, f"{place}.tool_calls[{number}]"))
    if isinstance(said, str) and len(blocks) == 1:
        return said if message.get(CACHE_CONTROL) is None else _marked(blocks, message)
    return _marked(blocks, message)


def _call(call: object, place: str) -> dict[str, Any]:
    made = call_of(call, place)
    use = {"type": "tool_use", "id": tool_id(made.id, f"{place}.id")}
    return {**use, "name": made.name, "input": made.arguments}


def _result(message: dict[str, Any], place: str) -> dict[str, Any]:
    content = message.get("content")
    told = content if isinstance(content, str) else write_blocks(content, f"{place}.content")
    call = tool_id(message.get("tool_call_id"), f"{place}.tool_call_id")
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call, "content": told}
    if message.get(IS_ERROR):
        block[IS_ERROR] = True
    return _marked([block], message)[0]


def _marked(blocks: list[dict[str, Any]], message: dict[str, Any]) -> list[dict[str, Any]]:
    """A mark on the whole message goes on its last block."""
    mark = message.get(CACHE_CONTROL)
    if mark is not None and blocks:
        blocks[-1] = {**blocks[-1], CACHE_CONTROL: mark}
    return blocks


def _plainest(blocks: list[dict[str, Any]]) -> Any:
    """One text without marks as a text."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks
