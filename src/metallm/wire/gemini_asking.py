"""A canonical request as Gemini's generateContent takes it; what it cannot carry is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.base import UncarriedError
from metallm.wire.extensions import CACHE_CONTROL
from metallm.wire.gemini_models import thinking_for, wants_signatures
from metallm.wire.gemini_turns import Turns
from metallm.wire.words import kind, word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONFIG = "generationConfig"

OWN = frozenset({"cachedContent", "labels", "safetySettings", "serviceTier", "toolConfig"})
"""Fields that are this wire's own: they pass as they are, and so do all of `generationConfig`."""

COUNTED = {"candidateCount": "n", "maxOutputTokens": "max_tokens"}
"""Fields of it that have to be said in the canonical words, which budgets are held by."""

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
    "functions": ([],),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "parallel_tool_calls": (True,),
    "service_tier": ("auto", "default"),
    "verbosity": ("medium",),
}
"""Values that ask for nothing, of fields that this wire does not have."""

_SAME = {
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "seed": "seed",
    "temperature": "temperature",
    "top_k": "topK",
    "top_logprobs": "logprobs",
    "top_p": "topP",
}
"""Fields that have another name alone."""

_TOGETHER = frozenset(
    {
        CONFIG,
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "reasoning_effort",
        "stream",
        "tool_choice",
        "tools",
    }
)
"""Fields that are not translated one by one."""

_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def write_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole body.

    Args:
        body: canonical, the model filled in.

    Raises:
        UncarriedError: what this wire cannot carry.
    """
    model = str(body.get("model"))
    turns = Turns(body.get("messages"), signed=wants_signatures(model))
    fields = write_fields(body)
    thinking = thinking_for(body.get("reasoning_effort"), model)
    if thinking is not None:
        fields[CONFIG] = {"thinkingConfig": thinking, **fields.get(CONFIG, {})}
    if turns.system is not None:
        fields["systemInstruction"] = turns.system
    return {"contents": turns.contents, **fields}


def write_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """All fields but the messages and what thinking takes; also for an arm's options alone."""
    fields: dict[str, Any] = {}
    config: dict[str, Any] = {}
    for name, value in body.items():
        if value is None or name in _TOGETHER or name in HINTS or value in _DEFAULTS.get(name, ()):
            continue
        if name in OWN:
            fields[name] = value
        elif name in _SAME:
            config[_SAME[name]] = _plain(name, value)
        elif name in _WRITERS:
            config |= _WRITERS[name](value)
        else:
            raise UncarriedError(name)
    config = _whole_config(config, body)
    if config:
        fields[CONFIG] = config
    return {**_tools(body), **fields}


def _whole_config(config: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The limit added, and what was given in this wire's own words put over it all."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None:
        config = {**config, "maxOutputTokens": _plain("max_tokens", limit)}
    own = body.get(CONFIG) or {}
    if not isinstance(own, dict):
        raise UncarriedError(f"{CONFIG}, which is no object")
    for name, canonical in COUNTED.items():
        if name in own:
            raise UncarriedError(f"{CONFIG}.{name}: say {canonical}")
    return {**config, **own}


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    """`tools`, and `toolConfig` where a choice was made."""
    given, choice = body.get("tools") or [], body.get("tool_choice")
    if not isinstance(given, list):
        raise UncarriedError("tools, which are no list")
    functions = [_tool(tool, number) for number, tool in enumerate(given)]
    fields: dict[str, Any] = {"tools": [{"functionDeclarations": functions}]} if functions else {}
    if choice is None:
        return fields
    if word(choice) in _MODES:
        config: dict[str, Any] = {"mode": _MODES[word(choice)]}
    elif isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        config = {"mode": "ANY", "allowedFunctionNames": [choice["function"].get("name")]}
    else:
        raise UncarriedError(f"tool_choice {choice!r:.80}")
    return {**fields, "toolConfig": {"functionCallingConfig": config}}


def _tool(tool: Any, number: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise UncarriedError(f"tools[{number}], which is no function")
    written = {"name": function.get("name")}
    if function.get("description") is not None:
        written["description"] = function["description"]
    if function.get("parameters"):
        written["parametersJsonSchema"] = function["parameters"]
    return written


def _plain(name: str, value: Any) -> Any:
    if not isinstance(value, int | float):
        raise UncarriedError(f"{name} {value!r:.40}")
    return value


def _stop(value: Any) -> dict[str, Any]:
    sequences = [value] if isinstance(value, str) else value
    if not isinstance(sequences, list) or not all(isinstance(each, str) for each in sequences):
        raise UncarriedError("stop, which is neither a text nor a list of them")
    return {"stopSequences": sequences} if sequences else {}


def _form(value: Any) -> dict[str, Any]:
    if kind(value) == "text":
        return {}
    if kind(value) == "json_object":
        return {"responseMimeType": "application/json"}
    schema = value.get("json_schema") if isinstance(value, dict) else None
    if kind(value) != "json_schema" or not isinstance(schema, dict):
        raise UncarriedError(f"response_format of type {kind(value)!r:.40}")
    return {
        "responseMimeType": "application/json",
        "responseJsonSchema": schema.get("schema"),
    }


_WRITERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "response_format": _form,
    "stop": _stop,
}
