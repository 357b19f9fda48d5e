"""A request in Gemini's generateContent, as the canonical form has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import InputError
from metallm.wire.extensions import IS_ERROR
from metallm.wire.gemini_content import read_part
from metallm.wire.gemini_models import effort_of
from metallm.wire.gemini_signatures import SIGNATURE, extra_of
from metallm.wire.gemini_spelling import spelled
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KNOWN = frozenset(
    {
        "contents",
        "generationConfig",
        "labels",
        "model",
        "stream",
        "systemInstruction",
        "toolConfig",
        "tools",
    }
)

_SAME = {
    "candidateCount": "n",
    "frequencyPenalty": "frequency_penalty",
    "logprobs": "top_logprobs",
    "maxOutputTokens": "max_tokens",
    "presencePenalty": "presence_penalty",
    "responseLogprobs": "logprobs",
    "seed": "seed",
    "stopSequences": "stop",
    "temperature": "temperature",
    "topK": "top_k",
    "topP": "top_p",
}
"""The canonical field by that of a `generationConfig`."""

_TOGETHER = frozenset({"responseJsonSchema", "responseMimeType", "thinkingConfig"})
_CHOICES = {"AUTO": "auto", "VALIDATED": "auto", "ANY": "required", "NONE": "none"}


class Asked:
    """One request, read.

    Args:
        source: its JSON, with what its URL says under "model" and "stream".

    Attributes:
        body: the canonical form.
        bound: what only this wire can carry, by place.

    Raises:
        InputError: contents in no known shape.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        source = spelled(dict(source))
        self.bound = [name for name in source if name not in _KNOWN]
        self.body: dict[str, Any] = {
            name: source[name] for name in ("model", "stream") if source.get(name) is not None
        }
        self._asked: list[tuple[str, str]] = []
        self.body["messages"] = [*self._system(source), *self._turns(source)]
        self._config(source.get("generationConfig"))
        if source.get("tools"):
            self.body["tools"] = list(self._tools(source["tools"]))
        self._choice(source.get("toolConfig"))

    def _system(self, source: Mapping[str, Any]) -> list[dict[str, Any]]:
        system = source.get("systemInstruction")
        if not system:
            return []
        parts = self._parts(_parts_of(system, "systemInstruction"), "systemInstruction")
        return [{"role": "system", "content": _plainest(parts)}]

    def _turns(self, source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        turns = source.get("contents")
        if not isinstance(turns, list):
            raise InputError("contents must be a list of turns")
        for number, turn in enumerate(turns):
            place = f"contents[{number}]"
            parts = _parts_of(turn, place)
            if turn.get("role") == "model":
                yield self._model(parts, place)
            else:
                yield from self._user(parts, place)

    def _model(self, parts: list[dict[str, Any]], place: str) -> dict[str, Any]:
        said = [part for part in parts if "functionCall" not in part and not part.get("thought")]
        calls = [self._call(part) for part in parts if "functionCall" in part]
        message = {"role": "assistant", "content": _plainest(self._parts(said, place))}
        return {**message, "tool_calls": calls} if calls else message

    def _user(self, parts: list[dict[str, Any]], place: str) -> Iterator[dict[str, Any]]:
        others = [part for part in parts if "functionResponse" not in part]
        for part in parts:
            if "functionResponse" in part:
                yield self._result(part["functionResponse"], place)
        if others:
            yield {"role": "user", "content": _plainest(self._parts(others, place))}

    def _call(self, part: dict[str, Any]) -> dict[str, Any]:
        given = part["functionCall"] if isinstance(part["functionCall"], dict) else {}
        name = word(given.get("name"))
        call_id = word(given.get("id")) or f"call_{len(self._asked)}"
        self._asked.append((call_id, name))
        arguments = orjson.dumps(given.get("args") or {}).decode()
        call = {"id": call_id, "type": "function"}
        extra = extra_of(word(part.get(SIGNATURE)))
        return {**call, "function": {"name": name, "arguments": arguments}, **extra}

    def _result(self, told: Any, place: str) -> dict[str, Any]:
        if not isinstance(told, dict):
            raise InputError(f"{place} holds a functionResponse that is no object")
        name, response = word(told.get("name")), told.get("response")
        call_id = word(told.get("id")) or next(
            (asked for asked, named in self._asked if named == name), name
        )
        self._asked = [each for each in self._asked if each[0] != call_id]
        message: dict[str, Any] = {"role": "tool", "tool_call_id": call_id}
        if isinstance(response, dict) and response.keys() in ({"output"}, {"error"}):
            if "error" in response:
                message[IS_ERROR] = True
            (response,) = response.values()
        text = response if isinstance(response, str) else orjson.dumps(response).decode()
        return {**message, "content": text}

    def _parts(self, parts: list[dict[str, Any]], place: str) -> list[dict[str, Any]]:
        read = []
        for part in parts:
            told = read_part(part)
            if told is None:
                self.bound.append(f"{place}.parts with {', '.join(sorted(part)):.80}")
            else:
                read.append(told)
        return read

    def _config(self, config: Any) -> None:
        if not isinstance(config, dict):
            return
        config = spelled(config)
        for name, value in config.items():
            if name in _SAME:
                self.body[_SAME[name]] = value
            elif name not in _TOGETHER:
                self.bound.append(f"generationConfig.{name}")
        thinking = config.get("thinkingConfig")
        effort = effort_of(spelled(thinking)) if isinstance(thinking, dict) else None
        if effort is not None:
            self.body["reasoning_effort"] = effort
        if config.get("responseJsonSchema") is not None:
            schema = {"name": "answer", "schema": config["responseJsonSchema"]}
            self.body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif config.get("responseMimeType") == "application/json":
            self.body["response_format"] = {"type": "json_object"}

    def _tools(self, tools: Any) -> Iterator[dict[str, Any]]:
        for number, tool in enumerate(tools if isinstance(tools, list) else [tools]):
            told = spelled(tool) if isinstance(tool, dict) else {}
            functions = told.get("functionDeclarations")
            if not isinstance(functions, list):
                self.bound.append(f"tools[{number}]")
                continue
            for function in functions:
                if isinstance(function, dict):
                    yield {"type": "function", "function": _function(spelled(function))}

    def _choice(self, config: Any) -> None:
        told = spelled(config) if isinstance(config, dict) else {}
        config = told.get("functionCallingConfig")
        if not isinstance(config, dict):
            return
        config = spelled(config)
        names, mode = config.get("allowedFunctionNames"), word(config.get("mode"))
        if isinstance(names, list) and len(names) == 1 and mode == "ANY":
            self.body["tool_choice"] = {"type": "function", "function": {"name": names[0]}}
        elif names:
            self.bound.append("toolConfig.functionCallingConfig.allowedFunctionNames")
        elif mode in _CHOICES:
            self.body["tool_choice"] = _CHOICES[mode]


def _parts_of(turn: Any, place: str) -> list[dict[str, Any]]:
    parts = turn.get("parts") if isinstance(turn, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise InputError(f"{place} must be an object with a list of parts")
    return [spelled(part) for part in parts]


def _function(function: dict[str, Any]) -> dict[str, Any]:
    written = {name: told for name, told in function.items() if name in {"name", "description"}}
    schema = function.get("parametersJsonSchema")
    if schema is None and isinstance(function.get("parameters"), dict):
        schema = _lowered(function["parameters"])
    return written if schema is None else {**written, "parameters": schema}


def _lowered(schema: Any) -> Any:
    """A schema of OpenAPI, as Google writes it, with types as JSON Schema spells them."""
    if isinstance(schema, list):
        return [_lowered(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: word(value).lower() if name == "type" and isinstance(value, str) else _lowered(value)
        for name, value in schema.items()
    }


def _plainest(parts: list[dict[str, Any]]) -> Any:
    """One text as a text; None for nothing."""
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts or None
