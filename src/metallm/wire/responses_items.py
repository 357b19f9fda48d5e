"""Messages of the canonical form as the input of OpenAI's Responses, items in a row."""

from __future__ import annotations

from typing import Any

from metallm.wire.base import UncarriedError
from metallm.wire.canonical import function_of, id_of
from metallm.wire.extensions import THINKING
from metallm.wire.responses_thoughts import restored
from metallm.wire.words import fields, kind, objects, word

_ROLES = frozenset({"assistant", "developer", "system", "tool", "user"})


def write_items(messages: object) -> list[dict[str, Any]]:
    """The items.

    Args:
        messages: canonical.

    Raises:
        UncarriedError: what this wire cannot carry.
    """
    if not isinstance(messages, list):
        raise UncarriedError("messages, which are no list")
    items: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        items += _written(message, f"messages[{number}]")
    return items


def _written(message: object, place: str) -> list[dict[str, Any]]:
    role = word(message.get("role")) if isinstance(message, dict) else ""
    if not isinstance(message, dict) or role not in _ROLES:
        raise UncarriedError(f"{place}.role {role!r:.40}")
    if message.get("name") and role != "tool":
        raise UncarriedError(f"{place}.name: its speakers have no names")
    if role == "tool":
        return [_result(message, place)]
    if role == "assistant":
        return _assistant(message, place)
    return [{"role": role, "content": _content(message.get("content"), f"{place}.content")}]


def _assistant(message: dict[str, Any], place: str) -> list[dict[str, Any]]:
    for name in ("function_call", "audio"):
        if message.get(name):
            raise UncarriedError(f"{place}.{name}")
    items = restored(objects(message.get(THINKING)))
    if said := _said(message, place):
        items.append({"role": "assistant", "content": said})
    calls = message.get("tool_calls")
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        items.append(_call(call, f"{place}.tool_calls[{number}]"))
    return items


def _said(message: dict[str, Any], place: str) -> Any:
    """What an assistant said, as output; a refusal where it said that."""
    content, refusal = message.get("content"), word(message.get("refusal"))
    if content is None or isinstance(content, str):
        return content or ([{"type": "refusal", "refusal": refusal}] if refusal else None)
    parts = []
    for number, part in enumerate(content if isinstance(content, list) else ()):
        if kind(part) == "text":
            parts.append({"type": "output_text", "text": word(part.get("text"))})
        elif kind(part) == "refusal":
            parts.append({"type": "refusal", "refusal": word(part.get("refusal"))})
        else:
            raise UncarriedError(f"{place}.content[{number}], which is no text")
    return parts


def _call(call: object, place: str) -> dict[str, Any]:
    function = function_of(call, place)
    return {
        "type": "function_call",
        "call_id": id_of(fields(call).get("id"), f"{place}.id"),
        "name": word(function.get("name")),
        "arguments": word(function.get("arguments")) or "{}",
    }


def _result(message: dict[str, Any], place: str) -> dict[str, Any]:
    output = _content(message.get("content"), f"{place}.content")
    call = id_of(message.get("tool_call_id"), f"{place}.tool_call_id")
    return {"type": "function_call_output", "call_id": call, "output": output}


def _content(content: object, place: str) -> Any:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise UncarriedError(f"{place}, which is neither text nor parts")
    return [_part(part, f"{place}[{number}]") for number, part in enumerate(content)]


def _part(part: object, place: str) -> dict[str, Any]:
    told = part if isinstance(part, dict) else {}
    match kind(told):
        case "text":
            return {"type": "input_text", "text": word(told.get("text"))}
        case "image_url" if isinstance(told.get("image_url"), dict):
            image = told["image_url"]
            more = {} if image.get("detail") is None else {"detail": image["detail"]}
            return {"type": "input_image", "image_url": word(image.get("url")), **more}
        case "file" if isinstance(told.get("file"), dict):
            names = ("file_data", "file_id", "filename")
            file = {name: told["file"][name] for name in names if name in told["file"]}
            return {"type": "input_file", **file}
    raise UncarriedError(f"{place} of type {kind(told)!r:.40}")
