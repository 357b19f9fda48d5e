"""A request in Anthropic's Messages, as the canonical form has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import InputError
from metallm.wire.anthropic_content import read_part
from metallm.wire.anthropic_models import effort_of
from metallm.wire.extensions import CACHE_CONTROL, IS_ERROR, THINKING
from metallm.wire.words import kind, word

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME = ("model", "max_tokens", "temperature", "top_p", "top_k", "stream", CACHE_CONTROL)

_KNOWN = frozenset(
    {
        *_SAME,
        "messages",
        "output_config",
        "stop_sequences",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    }
)

HINTS = frozenset({"context_management", "diagnostics", "metadata", "service_tier", "speed"})
"""Fields that change nothing of what is answered: other wires go without them."""

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class Asked:
    """One request, read.

    Args:
        source: its JSON.

    Attributes:
        body: the canonical form.
        bound: what only this wire can carry, by place.

    Raises:
        InputError: messages, a message or a tool in no known shape.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.bound = [name for name in source if name not in _KNOWN and name not in HINTS]
        self.body: dict[str, Any] = {
            name: source[name] for name in _SAME if source.get(name) is not None
        }
        self.body["messages"] = [*self._system(source.get("system")), *self._turns(source)]
        if source.get("stop_sequences"):
            self.body["stop"] = source["stop_sequences"]
        if source.get("tools"):
            self.body["tools"] = self._tools(source["tools"])
        self._choice(source.get("tool_choice"))
        config = source.get("output_config")
        if (effort := effort_of(source.get("thinking"), config)) is not None:
            self.body["reasoning_effort"] = effort
        if isinstance(config, dict) and config.get("format") is not None:
            self.body["response_format"] = self._form(config["format"])

    def _system(self, system: Any) -> list[dict[str, Any]]:
        if not system:
            return []
        return [{"role": "system", "content": self._content(system, "system")}]

    def _turns(self, source: Mapping[str, Any]) -> list[dict[str, Any]]:
        turns = source.get("messages")
        if not isinstance(turns, list):
            raise InputError("messages must be a list of messages")
        return [
            message
            for number, turn in enumerate(turns)
            for message in self._turn(turn, f"messages[{number}]")
        ]

    def _turn(self, turn: Any, place: str) -> list[dict[str, Any]]:
        role = word(turn.get("role")) if isinstance(turn, dict) else ""
        if role not in {"user", "assistant", "system"}:
            raise InputError(f"{place} must be an object with the role user or assistant")
        content = turn.get("content")
        if isinstance(content, str):
            return [{"role": role, "content": content}]
        blocks = _blocks(content, f"{place}.content")
        if role == "assistant":
            return [self._assistant(blocks, place)]
        results: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        for number, block in enumerate(blocks):
            if block.get("type") == "tool_result":
                message, shown = self._result(block, f"{place}.content[{number}]")
                results.append(message)
                others += shown
            else:
                others += self._part(block, f"{place}.content[{number}]")
        return [*results, {"role": role, "content": others}] if others else results

    def _assistant(self, blocks: list[dict[str, Any]], place: str) -> dict[str, Any]:
        said: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        thoughts: list[dict[str, Any]] = []
        for number, block in enumerate(blocks):
            if kind(block) in {"thinking", "redacted_thinking"}:
                thoughts.append(block)
            elif kind(block) == "tool_use":
                calls.append(_call(block))
            else:
                said += self._part(block, f"{place}.content[{number}]")
        message: dict[str, Any] = {"role": "assistant", "content": _plainest(said)}
        if calls:
            message["tool_calls"] = calls
        if thoughts:
            message[THINKING] = thoughts
        return message

    def _result(
        self, block: dict[str, Any], place: str
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A tool's message, which holds text alone, and what else it showed, for the user's."""
        content = block.get("content")
        parts = content if isinstance(content, str) else self._parts(content or [], place)
        message = {"role": "tool", "tool_call_id": block.get("tool_use_id")}
        for name in (CACHE_CONTROL, IS_ERROR):
            if block.get(name):
                message[name] = block[name]
        if isinstance(parts, str):
            return {**message, "content": parts}, []
        texts = [part for part in parts if part["type"] == "text"]
        shown = [part for part in parts if part["type"] != "text"]
        return {**message, "content": _plainest(texts) or ""}, shown

    def _content(self, content: Any, place: str) -> Any:
        return content if isinstance(content, str) else _plainest(self._parts(content, place))

    def _parts(self, content: Any, place: str) -> list[dict[str, Any]]:
        return [
            part
            for number, block in enumerate(_blocks(content, place))
            for part in self._part(block, f"{place}[{number}]")
        ]

    def _part(self, block: dict[str, Any], place: str) -> list[dict[str, Any]]:
        part = read_part(block)
        if part is None:
            self.bound.append(f"{place} of type {kind(block)!r:.40}")
            return []
        return [part]

    def _tools(self, tools: Any) -> list[dict[str, Any]]:
        return [
            written
            for number, tool in enumerate(_blocks(tools, "tools"))
            for written in self._tool(tool, f"tools[{number}]")
        ]

    def _tool(self, tool: dict[str, Any], place: str) -> list[dict[str, Any]]:
        if kind(tool) not in {"", "custom"}:
            self.bound.append(f"{place} of type {kind(tool)!r:.40}")
            return []
        function = {"name": tool.get("name"), "parameters": tool.get("input_schema")}
        for name in ("description", "strict"):
            if tool.get(name) is not None:
                function[name] = tool[name]
        written = {"type": "function", "function": function}
        if tool.get(CACHE_CONTROL) is not None:
            written[CACHE_CONTROL] = tool[CACHE_CONTROL]
        return [written]

    def _choice(self, choice: Any) -> None:
        if not isinstance(choice, dict):
            return
        way = kind(choice)
        if way == "tool":
            function = {"name": choice.get("name")}
            self.body["tool_choice"] = {"type": "function", "function": function}
        elif way in _CHOICES:
            self.body["tool_choice"] = _CHOICES[way]
        else:
            self.bound.append(f"tool_choice of type {way!r:.40}")
        if choice.get("disable_parallel_tool_use") is True:
            self.body["parallel_tool_calls"] = False

    def _form(self, form: Any) -> dict[str, Any]:
        schema = form.get("schema") if isinstance(form, dict) else None
        named = {"name": "answer", "strict": True, "schema": schema}
        return {"type": "json_schema", "json_schema": named}


def _call(block: dict[str, Any]) -> dict[str, Any]:
    arguments = orjson.dumps(block.get("input") or {}).decode()
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _plainest(parts: list[dict[str, Any]]) -> Any:
    """One text without marks as a text, and nothing as None."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts or None


def _blocks(content: Any, place: str) -> list[dict[str, Any]]:
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise InputError(f"{place} must be a text or a list of objects")
    return content
