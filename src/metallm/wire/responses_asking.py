"""A canonical request as OpenAI's Responses take it; what they cannot carry is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.base import UncarriedError
from metallm.wire.extensions import CACHE_CONTROL
from metallm.wire.responses_asked import LOGPROBS, THOUGHTS
from metallm.wire.responses_items import write_items
from metallm.wire.words import fields, kind, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME = frozenset(
    {
        "context_management",
        "include",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "temperature",
        "text",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
"""Fields that are this wire's own, or the same in both: they pass as they are."""

_HINTS = frozenset({CACHE_CONTROL, "stream_options"})
"""Fields that change nothing of what is answered: they are left out."""

_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "functions": ([],),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0,),
    "stop": ([],),
}
"""Values that ask for nothing, of fields that this wire does not have."""

_TOGETHER = frozenset(
    {
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "reasoning_effort",
        "response_format",
        "stream",
        "tool_choice",
        "tools",
        "verbosity",
    }
)
"""Fields that are not passed one by one."""


def write_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole body.

    Args:
        body: canonical, the model filled in.

    Raises:
        UncarriedError: what this wire cannot carry.
    """
    items = write_items(body.get("messages"))
    # what chat completions say nothing of is not kept there, and here it would be
    return {"model": body.get("model"), "input": items, "store": False, **write_fields(body)}


def write_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """All fields but the messages; also for an arm's options alone."""
    written: dict[str, Any] = {}
    for name, value in body.items():
        if value is None or name in _TOGETHER or name in _HINTS or value in _DEFAULTS.get(name, ()):
            continue
        if name not in _SAME:
            raise UncarriedError(name)
        written[name] = value
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None:
        written.setdefault("max_output_tokens", limit)
    if body.get("tools"):
        written["tools"] = _tools(body["tools"])
    if body.get("tool_choice") is not None:
        written["tool_choice"] = _choice(body["tool_choice"])
    return {**written, **_text(body), **_thinking(body)}


def _text(body: Mapping[str, Any]) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if body.get("verbosity") is not None:
        text["verbosity"] = body["verbosity"]
    form = body.get("response_format")
    if kind(form) == "json_object":
        text["format"] = {"type": "json_object"}
    elif kind(form) == "json_schema":
        text["format"] = {**fields(fields(form).get("json_schema")), "type": "json_schema"}
    elif form is not None and kind(form) != "text":
        raise UncarriedError(f"response_format of type {kind(form)!r:.40}")
    return {"text": {**text, **fields(body.get("text"))}} if text else {}


def _thinking(body: Mapping[str, Any]) -> dict[str, Any]:
    """Effort, and what is to be told beside the answer."""
    effort, told = body.get("reasoning_effort"), {}
    included = body.get("include")
    wanted = list(included) if isinstance(included, list) else []
    if effort is not None:
        told["reasoning"] = {"effort": effort, **fields(body.get("reasoning"))}
        wanted += [THOUGHTS] if effort != "none" else []
    if body.get("logprobs"):
        wanted.append(LOGPROBS)
    unique = [each for place, each in enumerate(wanted) if each not in wanted[:place]]
    return {**told, "include": unique} if unique else told


def _tools(tools: object) -> list[dict[str, Any]]:
    if not isinstance(tools, list):
        raise UncarriedError("tools, which are no list")
    return [_tool(tool, number) for number, tool in enumerate(tools)]


def _tool(tool: object, number: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise UncarriedError(f"tools[{number}], which is no function")
    written = {
        "type": "function",
        "name": function.get("name"),
        "parameters": function.get("parameters") or {"type": "object", "properties": {}},
        # left out it would mean true here, and false in chat completions
        "strict": function.get("strict") or False,
    }
    if function.get("description") is not None:
        written["description"] = function["description"]
    return written


def _choice(choice: object) -> Any:
    if word(choice) in {"auto", "none", "required"}:
        return choice
    given = fields(choice)
    if isinstance(given.get("function"), dict):
        return _named(given)
    if isinstance(given.get("allowed_tools"), dict):
        allowed = given["allowed_tools"]
        tools = [_named(each) for each in objects(allowed.get("tools"))]
        return {"type": "allowed_tools", "mode": allowed.get("mode"), "tools": tools}
    raise UncarriedError(f"tool_choice {choice!r:.80}")


def _named(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "name": fields(tool.get("function")).get("name")}
