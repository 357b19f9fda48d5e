"""Whole answers between Bedrock's Converse and the canonical form."""

from __future__ import annotations

from hashlib import blake2s
from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import ProviderUnavailableError
from metallm.wire.base import Answer
from metallm.wire.bedrock_models import counts_all
from metallm.wire.bedrock_thoughts import read_thought, write_thoughts
from metallm.wire.bedrock_usage import read_usage, write_usage
from metallm.wire.documents import answer_json, answer_object
from metallm.wire.extensions import THINKING
from metallm.wire.openai_chat import content_text
from metallm.wire.openai_usage import read_usage as read_canonical
from metallm.wire.openai_usage import write_usage as write_canonical
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm

FINISH_REASONS: Mapping[str, str] = {
    "content_filtered": "content_filter",
    "end_turn": "stop",
    "guardrail_intervened": "content_filter",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
}
"""OpenAI's finish_reason by the stopReason; one that is not here ends as "stop" does."""

STOP_REASONS: Mapping[str, str] = {
    "content_filter": "content_filtered",
    "function_call": "tool_use",
    "length": "max_tokens",
    "stop": "end_turn",
    "tool_calls": "tool_use",
}
"""The other way round."""

FAILURES = frozenset({"malformed_model_output", "malformed_tool_use"})
"""Why a model broke off; where it had said nothing, there is no answer."""


def read_document(arm: Arm, raw: bytes) -> tuple[Answer, dict[str, Any]]:
    """What is read from a whole answer, and its message.

    Args:
        arm: whose answer it is.
        raw: the answer's bytes.

    Raises:
        ProviderUnavailableError: no JSON, no message, or a model that lost its way in a call.
    """
    document = answer_object(arm.name, answer_json(arm.name, raw))
    output = document.get("output")
    message = output.get("message") if isinstance(output, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        raise ProviderUnavailableError(arm.name, "the answer has no message")
    blocks = [block for block in content if isinstance(block, dict)]
    told = canonical_message(blocks)
    why = word(document.get("stopReason"))
    if why in FAILURES and not told["content"] and "tool_calls" not in told:
        raise ProviderUnavailableError(arm.name, f"the model failed within its answer ({why})")
    usage = read_usage(
        document.get("usage"),
        counts_all=counts_all(arm.upstream_model),
        service=document.get("serviceTier"),
    )
    return Answer(told["content"] or "", usage, None, finish_reason(why)), told


def finish_reason(stop_reason: str) -> str | None:
    """OpenAI's word; None for none."""
    return FINISH_REASONS.get(stop_reason, "stop") if stop_reason else None


def canonical_message(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """The assistant's message that blocks hold."""
    texts = [text for text in map(_text, blocks) if text is not None]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": None,
    }
    calls = [_call(block["toolUse"]) for block in blocks if isinstance(block.get("toolUse"), dict)]
    if calls:
        message["tool_calls"] = calls
    thoughts = [read_thought(block) for block in blocks if "reasoningContent" in block]
    if thoughts:
        message["reasoning_content"] = "".join(text for text, _ in thoughts)
        if kept := [signed for _, signed in thoughts if signed is not None]:
            message[THINKING] = kept
    return message


def to_canonical(
    answer: Answer, message: dict[str, Any], *, answer_id: str, created: int, model: str
) -> bytes:
    """The answer as OpenAI's chat completions tell it.

    Args:
        answer: what was read.
        message: canonical.
        answer_id: for "id": this wire's answers have none.
        created: POSIX seconds.
        model: the arm's: this wire's answers name none.
    """
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    canonical = {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
    }
    if answer.usage is not None:
        canonical["usage"] = write_canonical(answer.usage)
    return orjson.dumps(canonical)


def from_canonical(raw: bytes) -> bytes:
    """An answer of OpenAI's chat completions as this wire tells it.

    Args:
        raw: the answer, its shape checked by whoever read it.
    """
    document = orjson.loads(raw)
    choice = document["choices"][0]
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    blocks = write_thoughts(message.get(THINKING))
    thought = word(message.get("reasoning_content") or message.get("reasoning"))
    if thought and not blocks:
        blocks.append({"reasoningContent": {"reasoningText": {"text": thought}}})
    if text := content_text(message.get("content")) or word(message.get("refusal")):
        blocks.append({"text": text})
    given = message.get("tool_calls")
    listed = given if isinstance(given, list) else []
    calls = [_use(call) for call in listed if isinstance(call, dict)]
    blocks += calls
    told: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": blocks}},
        "stopReason": stop_reason(choice.get("finish_reason"), calls=bool(calls)),
        "metrics": {"latencyMs": 0},
    }
    usage = read_canonical(document.get("usage"))
    if usage is not None:
        told["usage"] = write_usage(usage)
    return orjson.dumps(told)


def stop_reason(reason: object, *, calls: bool) -> str:
    """Our word for OpenAI's.

    Args:
        reason: the finish_reason.
        calls: whether a tool was called, which some hosts end with "stop" too.
    """
    told = STOP_REASONS.get(word(reason), "end_turn")
    return "tool_use" if calls and told == "end_turn" else told


def id_of(raw: bytes, created: int) -> str:
    """An id for an answer that has none: the same for the same bytes at the same time.

    Args:
        raw: of the answer, or the first event of its stream.
        created: POSIX seconds.
    """
    return f"converse-{blake2s(raw + str(created).encode(), digest_size=12).hexdigest()}"


def _text(block: dict[str, Any]) -> str | None:
    if isinstance(text := block.get("text"), str):
        return text
    cited = block.get("citationsContent")
    held = cited.get("content") if isinstance(cited, dict) else None
    if not isinstance(held, list):
        return None
    return "".join(word(each.get("text")) for each in held if isinstance(each, dict))


def _call(use: dict[str, Any]) -> dict[str, Any]:
    arguments = orjson.dumps(use.get("input") or {}).decode()
    function = {"name": use.get("name"), "arguments": arguments}
    return {"id": use.get("toolUseId"), "type": "function", "function": function}


def _use(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = word(function.get("arguments")) or "{}"
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        given = {"arguments": arguments}  # what the model said, for the caller to see
    told = {"toolUseId": call.get("id"), "name": function.get("name"), "input": given}
    return {"toolUse": told}
