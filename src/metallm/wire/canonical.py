"""What a canonical message holds, for the wires that spell it otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.base import UncarriedError
from metallm.wire.words import fields, kind, word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    PartWriter = Callable[[dict[str, Any], str], dict[str, Any]]
    """Spells a part of a content, which stands at a place, for one wire."""

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool that an assistant made.

    Args:
        id: of the call.
        name: the function's, whatever stands there.
        arguments: empty where none were given.
    """

    id: str
    name: Any
    arguments: dict[str, Any]


def role_of(message: object, place: str) -> str:
    """Who speaks, on a wire whose speakers have no names.

    Raises:
        UncarriedError: no role that there is, or a speaker's name.
    """
    role = word(message.get("role")) if isinstance(message, dict) else ""
    if role not in ROLES:
        raise UncarriedError(f"{place}.role {role!r:.40}")
    if isinstance(message, dict) and role in {"user", "assistant"} and message.get("name"):
        raise UncarriedError(f"{place}.name: its speakers have no names")
    return role


def text_of(part: Mapping[str, Any], place: str) -> str:
    """The text of a part that is text, or a refusal.

    Raises:
        UncarriedError: it has none.
    """
    text = part.get("text", part.get("refusal"))
    if not isinstance(text, str):
        raise UncarriedError(f"{place}, whose text is none")
    return text


def translated(part: object, place: str, writers: Mapping[str, PartWriter]) -> dict[str, Any]:
    """A part of a content as a wire spells it.

    Args:
        part: canonical.
        place: where it stands, for messages.
        writers: the wire's, by the part's type.

    Raises:
        UncarriedError: a type that the wire has no writer for, or what the writer refuses.
    """
    writer = writers.get(kind(part))
    if writer is None or not isinstance(part, dict):
        raise UncarriedError(f"{place} of type {kind(part)!r:.40}")
    return writer(part, place)


def id_of(given: object, place: str) -> str:
    """The id of a call.

    Raises:
        UncarriedError: none.
    """
    if not isinstance(given, str) or not given:
        raise UncarriedError(f"{place}, which is no id")
    return given


def function_of(call: object, place: str) -> dict[str, Any]:
    """The function that a call of a tool names, with its arguments as they came.

    Raises:
        UncarriedError: it names none.
    """
    function = fields(call).get("function")
    if not isinstance(function, dict):
        raise UncarriedError(f"{place}, which calls no function")
    return function


def call_of(call: object, place: str) -> Call:
    """A call of a tool.

    Raises:
        UncarriedError: no function, no id, or arguments that are no object.
    """
    function = function_of(call, place)
    try:
        arguments = orjson.loads(function.get("arguments") or b"{}")
    except (orjson.JSONDecodeError, TypeError):
        arguments = None
    if not isinstance(arguments, dict):
        raise UncarriedError(f"{place}.function.arguments, which are no JSON object")
    call_id = id_of(fields(call).get("id"), f"{place}.id")
    return Call(call_id, function.get("name"), arguments)
