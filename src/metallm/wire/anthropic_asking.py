"""A canonical request as Anthropic's Messages take it; what they cannot carry is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.anthropic_models import most_output, takes_schema, thinking_for
from metallm.wire.anthropic_turns import write_turns
from metallm.wire.base import UncarriedError
from metallm.wire.extensions import CACHE_CONTROL
from metallm.wire.words import kind, word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OWN = frozenset(
    {
        CACHE_CONTROL,
        "container",
        "context_management",
        "inference_geo",
        "mcp_servers",
        "output_config",
        "speed",
        "thinking",
        "top_k",
        "top_p",
    }
)
"""Fields that are this wire's own, or the same in both: they pass as they are."""

HINTS = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "store",
        "stream_options",
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
    "presence_penalty": (0,),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
}
"""Values that ask for nothing, of fields that this wire does not have."""

_TOGETHER = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "stream",
        "tool_choice",
    }
)
"""Fields that are not translated one by one."""


def write_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole body.

    Args:
        body: canonical, the model filled in.

    Raises:
        UncarriedError: what this wire cannot carry.
    """
    model = str(body.get("model"))
    system, turns = write_turns(body.get("messages"))
    fields = {"max_tokens": most_output(model), **write_fields(body)}
    config = fields.get("output_config", {})
    if "format" in config and not takes_schema(model):
        raise UncarriedError(f"response_format, for {model} cannot be held to a schema")
    thinking, effort = thinking_for(body.get("reasoning_effort"), model, fields["max_tokens"])
    if thinking is not None:
        fields.setdefault("thinking", thinking)
    if effort is not None:
        fields["output_config"] = {"effort": effort, **config}
    if system is not None:
        fields["system"] = system
    return {"model": model, "messages": turns, **fields}


def write_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """All fields but the messages and what thinking takes; also for an arm's options alone."""
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if value is None or name in _TOGETHER or name in HINTS or value in _DEFAULTS.get(name, ()):
            continue
        if name in OWN:
            fields[name] = value
        elif name in _WRITERS:
            fields |= _WRITERS[name](value)
        else:
            raise UncarriedError(name)
    if not isinstance(fields.get("output_config", {}), dict):
        raise UncarriedError("output_config, which is no object")
    if (form := _form(body.get("response_format"))) is not None:
        fields["output_config"] = {"format": form, **fields.get("output_config", {})}
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None:
        if not isinstance(limit, int):
            raise UncarriedError(f"max_tokens {limit!r:.40}")
        fields["max_tokens"] = limit
    choice = _choice(body)
    return {**fields, "tool_choice": choice} if choice else fields


def _choice(body: Mapping[str, Any]) -> dict[str, Any] | None:
    given = body.get("tool_choice")
    single = body.get("parallel_tool_calls") is False and bool(body.get("tools"))
    if given is None:
        return {"type": "auto", "disable_parallel_tool_use": True} if single else None
    words = {"auto": "auto", "required": "any", "none": "none"}
    if word(given) in words:
        choice: dict[str, Any] = {"type": words[word(given)]}
    elif isinstance(given, dict) and isinstance(given.get("function"), dict):
        choice = {"type": "tool", "name": given["function"].get("name")}
    else:
        raise UncarriedError(f"tool_choice {given!r:.80}")
    return {**choice, "disable_parallel_tool_use": True} if single else choice


def _tools(tools: Any) -> dict[str, Any]:
    if not isinstance(tools, list):
        raise UncarriedError("tools, which are no list")
    return {"tools": [_tool(tool, number) for number, tool in enumerate(tools)]} if tools else {}


def _tool(tool: Any, number: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise UncarriedError(f"tools[{number}], which is no function")
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    written = {"name": function.get("name"), "input_schema": schema}
    for name in ("description", "strict"):
        if function.get(name) is not None:
            written[name] = function[name]
    if tool.get(CACHE_CONTROL) is not None:
        written[CACHE_CONTROL] = tool[CACHE_CONTROL]
    return written


def _temperature(value: Any) -> dict[str, Any]:
    if not isinstance(value, int | float) or value > 1:
        raise UncarriedError(f"temperature {value!r:.40}: here it goes from 0 to 1")
    return {"temperature": value}


def _stop(value: Any) -> dict[str, Any]:
    sequences = [value] if isinstance(value, str) else value
    if not isinstance(sequences, list) or not all(
        isinstance(each, str) and each.strip() for each in sequences
    ):
        raise UncarriedError("stop with a sequence of blanks alone")
    return {"stop_sequences": sequences} if sequences else {}


def _form(value: Any) -> dict[str, Any] | None:
    if value is None or kind(value) == "text":
        return None
    schema = value.get("json_schema") if isinstance(value, dict) else None
    if kind(value) != "json_schema" or not isinstance(schema, dict):
        raise UncarriedError(f"response_format of type {kind(value)!r:.40}: give a json_schema")
    return {"type": "json_schema", "schema": schema.get("schema")}


def _user(value: Any) -> dict[str, Any]:
    return {"metadata": {"user_id": value}}


_WRITERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "safety_identifier": _user,
    "stop": _stop,
    "temperature": _temperature,
    "tools": _tools,
    "user": _user,
}
