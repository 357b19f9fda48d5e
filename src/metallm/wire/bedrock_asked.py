"""A request in Bedrock's Converse, as the canonical form has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import InputError
from metallm.wire.bedrock_content import read_blocks
from metallm.wire.bedrock_thoughts import read_thought
from metallm.wire.extensions import CACHE_CONTROL, IS_ERROR, THINKING
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KNOWN = frozenset(
    {"inferenceConfig", "messages", "model", "outputConfig", "stream", "system", "toolConfig"}
)

HINTS = frozenset(
    {"additionalModelResponseFieldPaths", "performanceConfig", "requestMetadata", "serviceTier"}
)
"""Fields that change nothing of what is answered: other wires go without them."""

_SAME = {
    "maxTokens": "max_tokens",
    "stopSequences": "stop",
    "temperature": "temperature",
    "topP": "top_p",
}


class Asked:
    """One request, read.

    Args:
        source: its JSON, with what its URL says under "model" and "stream".

    Attributes:
        body: the canonical form.
        bound: what only this wire can carry, by place.

    Raises:
        InputError: messages in no known shape.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.bound = [name for name in source if name not in _KNOWN and name not in HINTS]
        self.body: dict[str, Any] = {
            name: source[name] for name in ("model", "stream") if source.get(name) is not None
        }
        self.body["messages"] = [*self._system(source), *self._turns(source)]
        config = source.get("inferenceConfig")
        for name, value in config.items() if isinstance(config, dict) else ():
            if name in _SAME:
                self.body[_SAME[name]] = value
            else:
                self.bound.append(f"inferenceConfig.{name}")
        tools = source.get("toolConfig")
        if isinstance(tools, dict):
            self.body["tools"] = self._tools(tools.get("tools"))
            self._choice(tools.get("toolChoice"))
        if source.get("outputConfig") is not None:
            self._form(source["outputConfig"])

    def _system(self, source: Mapping[str, Any]) -> list[dict[str, Any]]:
        if not source.get("system"):
            return []
        parts = self._parts(_blocks(source["system"], "system"), "system")
        return [{"role": "system", "content": _plainest(parts)}]

    def _turns(self, source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        turns = source.get("messages")
        if not isinstance(turns, list):
            raise InputError("messages must be a list of messages")
        for number, turn in enumerate(turns):
            place = f"messages[{number}]"
            role = word(turn.get("role")) if isinstance(turn, dict) else ""
            if role not in {"user", "assistant"}:
                raise InputError(f"{place} must be an object with the role user or assistant")
            blocks = _blocks(turn.get("content"), f"{place}.content")
            if role == "assistant":
                yield self._assistant(blocks, place)
            else:
                yield from self._user(blocks, place)

    def _assistant(self, blocks: list[dict[str, Any]], place: str) -> dict[str, Any]:
        calls = [_call(block["toolUse"]) for block in blocks if "toolUse" in block]
        thoughts = [read_thought(block)[1] for block in blocks if "reasoningContent" in block]
        said = [block for block in blocks if not block.keys() & {"toolUse", "reasoningContent"}]
        message = {"role": "assistant", "content": _plainest(self._parts(said, place))}
        if calls:
            message["tool_calls"] = calls
        if signed := [thought for thought in thoughts if thought is not None]:
            message[THINKING] = signed
        return message

    def _user(self, blocks: list[dict[str, Any]], place: str) -> Iterator[dict[str, Any]]:
        others: list[dict[str, Any]] = []
        last: dict[str, Any] | None = None
        for block in blocks:
            if "toolResult" in block:
                last = self._result(block["toolResult"], place)
                yield last
            elif "cachePoint" in block and last is not None and not others:
                last[CACHE_CONTROL] = {"type": "ephemeral"}
            else:
                others.append(block)
        if others:
            yield {"role": "user", "content": _plainest(self._parts(others, place)) or ""}

    def _result(self, told: Any, place: str) -> dict[str, Any]:
        if not isinstance(told, dict):
            raise InputError(f"{place} holds a toolResult that is no object")
        message: dict[str, Any] = {"role": "tool", "tool_call_id": told.get("toolUseId")}
        if told.get("status") == "error":
            message[IS_ERROR] = True
        texts = []
        for block in _blocks(told.get("content"), f"{place}.toolResult.content"):
            if "json" in block:
                texts.append(orjson.dumps(block["json"]).decode())
            elif isinstance(block.get("text"), str):
                texts.append(block["text"])
            else:
                self.bound.append(f"{place}.toolResult with {', '.join(sorted(block)):.80}")
        return {**message, "content": "".join(texts)}

    def _parts(self, blocks: list[dict[str, Any]], place: str) -> list[dict[str, Any]]:
        parts, odd = read_blocks(blocks)
        self.bound += [f"{place} with {each}" for each in odd]
        return parts

    def _tools(self, tools: Any) -> list[dict[str, Any]]:
        written: list[dict[str, Any]] = []
        for number, tool in enumerate(_blocks(tools, "toolConfig.tools")):
            spec = tool.get("toolSpec")
            if "cachePoint" in tool and written:
                written[-1][CACHE_CONTROL] = {"type": "ephemeral"}
            elif isinstance(spec, dict):
                written.append({"type": "function", "function": _function(spec)})
            else:
                self.bound.append(f"toolConfig.tools[{number}]")
        return written

    def _choice(self, choice: Any) -> None:
        if not isinstance(choice, dict):
            return
        if isinstance(tool := choice.get("tool"), dict):
            function = {"name": tool.get("name")}
            self.body["tool_choice"] = {"type": "function", "function": function}
        elif "any" in choice or "auto" in choice:
            self.body["tool_choice"] = "required" if "any" in choice else "auto"

    def _form(self, config: Any) -> None:
        told = config
        for name in ("textFormat", "structure", "jsonSchema"):
            told = told.get(name) if isinstance(told, dict) else None
        try:
            schema = orjson.loads(told["schema"]) if isinstance(told, dict) else None
        except (orjson.JSONDecodeError, KeyError, TypeError):
            schema = None
        if schema is None or config.keys() != {"textFormat"}:
            self.bound.append("outputConfig")
            return
        form = {"name": word(told.get("name")) or "answer", "schema": schema}
        self.body["response_format"] = {"type": "json_schema", "json_schema": form}


def _blocks(blocks: Any, place: str) -> list[dict[str, Any]]:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise InputError(f"{place} must be a list of blocks")
    return blocks


def _call(use: Any) -> dict[str, Any]:
    told = use if isinstance(use, dict) else {}
    arguments = orjson.dumps(told.get("input") or {}).decode()
    function = {"name": told.get("name"), "arguments": arguments}
    return {"id": told.get("toolUseId"), "type": "function", "function": function}


def _function(spec: dict[str, Any]) -> dict[str, Any]:
    schema = spec.get("inputSchema")
    function = {"name": spec.get("name")}
    function |= {name: spec[name] for name in ("description", "strict") if name in spec}
    return {**function, "parameters": schema.get("json") if isinstance(schema, dict) else None}


def _plainest(parts: list[dict[str, Any]]) -> Any:
    """One text without marks as a text; None for nothing."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts or None
