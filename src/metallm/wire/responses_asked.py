"""A request in OpenAI's Responses, as the canonical form has it.

Every field is translated, needs no translation, or is refused by name: what asks for state that
would have to be kept, for tools that OpenAI runs itself, or for what no other wire has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.responses_parts import KEPT_NOWHERE, RefusedFieldError, objects_of, text_of
from metallm.wire.responses_turns import read_input
from metallm.wire.words import fields, kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME = (
    "model",
    "temperature",
    "top_p",
    "stream",
    "parallel_tool_calls",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
)
_TRANSLATED = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
    }
)
_HELD = frozenset({"metadata", "max_tool_calls", "stream_options"})
"""Fields that are kept to without any arm: repeated in the answer, on OpenAI's own tools (there are
none), and on how a stream is padded (it is not)."""

_KNOWN = _TRANSLATED | _HELD | frozenset(_SAME)

_ONLY: Mapping[str, tuple[object, str]] = {
    "background": (False, "cannot be served: an answer comes within its request"),
    "conversation": (None, f"cannot be served: {KEPT_NOWHERE}"),
    "previous_response_id": (None, f"cannot be served: {KEPT_NOWHERE}"),
    "prompt": (None, f"cannot be served: {KEPT_NOWHERE}"),
    "store": (False, f"cannot be served: {KEPT_NOWHERE}"),
    "truncation": ("disabled", "cannot be served: input is never shortened"),
}
"""The one value that is served, beside none, and what is told of any other."""

LOGPROBS = "message.output_text.logprobs"
THOUGHTS = "reasoning.encrypted_content"
_INCLUDED = frozenset({LOGPROBS, THOUGHTS})


class Asked:
    """One request, read.

    Args:
        source: its JSON.

    Attributes:
        body: the canonical form.

    Raises:
        RefusedFieldError: a field that cannot be read or served.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        _check(source)
        told = source.get("instructions")
        if told is not None and not isinstance(told, str):
            raise RefusedFieldError("instructions", "must be a text")
        system = [{"role": "system", "content": told}] if told else []
        self.body: dict[str, Any] = {
            name: source[name] for name in _SAME if source.get(name) is not None
        }
        self.body["messages"] = [*system, *read_input(source.get("input"))]
        if source.get("max_output_tokens") is not None:
            self.body["max_tokens"] = source["max_output_tokens"]
        if source.get("tools"):
            self.body["tools"] = _tools(source["tools"])
        if source.get("tool_choice") is not None:
            self.body["tool_choice"] = _choice(source["tool_choice"])
        effort = _object(source, "reasoning").get("effort")
        if effort is not None:
            self.body["reasoning_effort"] = effort
        self._form(_object(source, "text"))
        self._logprobs(source)

    def _form(self, text: Mapping[str, Any]) -> None:
        if text.get("verbosity") is not None:
            self.body["verbosity"] = text["verbosity"]
        form = text.get("format")
        if form is None or kind(form) == "text":
            return
        if kind(form) == "json_object":
            self.body["response_format"] = {"type": "json_object"}
        elif kind(form) == "json_schema":
            named = {name: value for name, value in form.items() if name != "type"}
            self.body["response_format"] = {"type": "json_schema", "json_schema": named}
        else:
            raise RefusedFieldError("text.format", "must be text, json_schema or json_object")

    def _logprobs(self, source: Mapping[str, Any]) -> None:
        if source.get("top_logprobs"):
            self.body["top_logprobs"] = source["top_logprobs"]
        if source.get("top_logprobs") or LOGPROBS in (source.get("include") or ()):
            self.body["logprobs"] = True


def _check(source: Mapping[str, Any]) -> None:
    """Refuse what cannot be served, and fields that nobody knows."""
    for name, value in source.items():
        if value is None or name in _KNOWN:
            continue
        served, told = _ONLY.get(name, (None, "is no field that can be served here"))
        if value != served:
            raise RefusedFieldError(name[:80], told)
    included = source.get("include") or []
    if not isinstance(included, list):
        raise RefusedFieldError("include", "must be a list")
    for each in included:
        if each not in _INCLUDED:
            told = f"{each!r:.60} cannot be served; there are: {', '.join(sorted(_INCLUDED))}"
            raise RefusedFieldError("include", told)


def _object(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = source.get(name)
    if value is not None and not isinstance(value, dict):
        raise RefusedFieldError(name, "must be an object")
    return fields(value)


def _tools(tools: object) -> list[dict[str, Any]]:
    return [
        _tool(tool, f"tools[{number}]") for number, tool in enumerate(objects_of(tools, "tools"))
    ]


def _tool(tool: dict[str, Any], place: str) -> dict[str, Any]:
    if kind(tool) != "function":
        told = f"{kind(tool)!r:.40} cannot be served: of tools there are functions alone"
        raise RefusedFieldError(f"{place}.type", told)
    function = {"name": text_of(tool, "name", place)}
    for name in ("description", "parameters"):
        if tool.get(name) is not None:
            function[name] = tool[name]
    if tool.get("strict"):
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function}


def _choice(choice: object) -> Any:
    if choice in ("auto", "none", "required"):
        return choice
    if kind(choice) == "function":
        return _named(fields(choice), "tool_choice")
    if kind(choice) == "allowed_tools":
        told = fields(choice)
        allowed = [
            _named(tool, f"tool_choice.tools[{number}]")
            for number, tool in enumerate(objects_of(told.get("tools"), "tool_choice.tools"))
        ]
        only = {"mode": told.get("mode"), "tools": allowed}
        return {"type": "allowed_tools", "allowed_tools": only}
    raise RefusedFieldError("tool_choice", "must be auto, none, required, or name functions")


def _named(tool: dict[str, Any], place: str) -> dict[str, Any]:
    if kind(tool) != "function":
        raise RefusedFieldError(f"{place}.type", "must be function")
    return {"type": "function", "function": {"name": text_of(tool, "name", place)}}
