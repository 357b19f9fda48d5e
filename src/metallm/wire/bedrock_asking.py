"""A canonical request as Bedrock's Converse takes it; what it cannot carry is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.base import UncarriedError
from metallm.wire.bedrock_content import cache_points
from metallm.wire.bedrock_models import (
    streams_calls,
    takes_cache_points,
    takes_schema,
    thinking_for,
    top_k_for,
)
from metallm.wire.bedrock_turns import Turns
from metallm.wire.extensions import CACHE_CONTROL
from metallm.wire.words import kind, word

if TYPE_CHECKING:
    from collections.abc import Mapping

INFERENCE, ADDITIONAL = "inferenceConfig", "additionalModelRequestFields"
MERGED = (INFERENCE, ADDITIONAL)
"""Fields of this wire that are put together, the given parts over the translated."""

OWN = frozenset(
    {
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "outputConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
    }
)
"""Fields that are this wire's own: they pass as they are."""

HINTS = frozenset(
    {
        CACHE_CONTROL,
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "stream_options",
        "user",
    }
)
"""Fields that change nothing of what is answered: they are left out."""

_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
}
"""Values that ask for nothing, of fields that this wire does not have."""

_TOGETHER = frozenset(
    {
        *MERGED,
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "reasoning_effort",
        "response_format",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
"""Fields that are translated below."""


def write_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole body.

    Args:
        body: canonical, the model filled in.

    Raises:
        UncarriedError: what this wire cannot carry.
    """
    model = str(body.get("model"))
    turns = Turns(body.get("messages"), model)
    tools = _tools(body, model)
    if turns.calls and not tools:
        raise UncarriedError("messages with calls of tools, without these tools to choose from")
    written: dict[str, Any] = {"messages": turns.messages}
    if turns.system:
        written["system"] = turns.system
    return {**written, **tools, **write_fields(body, model)}


def write_fields(body: Mapping[str, Any], model: str) -> dict[str, Any]:
    """All fields but messages and tools; also for an arm's options alone."""
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if value is None or name in _TOGETHER or name in HINTS or value in _DEFAULTS.get(name, ()):
            continue
        if name not in OWN:
            raise UncarriedError(name)
        fields[name] = value
    thinking, limit = thinking_for(body.get("reasoning_effort"), model, _limit(body))
    top_k = body.get("top_k")
    more = {**thinking, **(top_k_for(top_k, model) if top_k is not None else {})}
    for name, translated in ((INFERENCE, _inference(body, limit)), (ADDITIONAL, more)):
        given = body.get(name) or {}
        if not isinstance(given, dict):
            raise UncarriedError(f"{name}, which is no object")
        if "maxTokens" in given:  # budgets are held by the canonical word
            raise UncarriedError(f"{name}.maxTokens: say max_tokens")
        if translated or given:
            fields[name] = {**translated, **given}
    if (form := _form(body.get("response_format"), model)) is not None:
        fields.setdefault("outputConfig", form)
    return fields


def _limit(body: Mapping[str, Any]) -> int | None:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None and not isinstance(limit, int):
        raise UncarriedError(f"max_tokens {limit!r:.40}")
    return limit


def _inference(body: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    told: dict[str, Any] = {} if limit is None else {"maxTokens": limit}
    for name, here in (("temperature", "temperature"), ("top_p", "topP")):
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or value > 1:
            raise UncarriedError(f"{name} {value!r:.40}: here it goes from 0 to 1")
        told[here] = value
    stop = body.get("stop")
    sequences = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(sequences, list) or not all(word(each) for each in sequences):
        raise UncarriedError("stop, which is neither a text nor a list of them")
    return {**told, "stopSequences": sequences} if sequences else told


def _tools(body: Mapping[str, Any], model: str) -> dict[str, Any]:
    """`toolConfig`; nothing where no tool may be called."""
    given, choice = body.get("tools") or [], body.get("tool_choice")
    if not isinstance(given, list):
        raise UncarriedError("tools, which are no list")
    written: list[dict[str, Any]] = []
    for number, tool in enumerate(given):
        written.append(_tool(tool, number))
        written += cache_points(tool, marks=takes_cache_points(model))
    if choice == "none" or not written:
        return {}
    if body.get("stream") is True and not streams_calls(model):
        raise UncarriedError(f"tools in a stream: {model} calls them in whole answers alone")
    config: dict[str, Any] = {"tools": written}
    if choice in ("auto", "required"):
        config["toolChoice"] = {"auto" if choice == "auto" else "any": {}}
    elif isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        config["toolChoice"] = {"tool": {"name": choice["function"].get("name")}}
    elif choice is not None:
        raise UncarriedError(f"tool_choice {choice!r:.80}")
    return {"toolConfig": config}


def _tool(tool: Any, number: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise UncarriedError(f"tools[{number}], which is no function")
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    spec = {"name": function.get("name"), "inputSchema": {"json": schema}}
    if function.get("description"):
        spec["description"] = function["description"]
    if function.get("strict") is True:
        spec["strict"] = True
    return {"toolSpec": spec}


def _form(value: Any, model: str) -> dict[str, Any] | None:
    if value is None or kind(value) == "text":
        return None
    told = value.get("json_schema") if isinstance(value, dict) else None
    if kind(value) != "json_schema" or not isinstance(told, dict):
        raise UncarriedError(f"response_format of type {kind(value)!r:.40}: give a json_schema")
    if not takes_schema(model):
        raise UncarriedError(f"response_format, for {model} cannot be held to a schema")
    schema = {"schema": orjson.dumps(told.get("schema")).decode()}
    if word(told.get("name")):
        schema["name"] = told["name"]
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
