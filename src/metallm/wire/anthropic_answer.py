"""Whole answers between Anthropic's Messages and the canonical form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import ProviderUnavailableError
from metallm.wire.anthropic_errors import is_error, stream_error
from metallm.wire.anthropic_usage import read_usage, write_usage
from metallm.wire.base import Answer
from metallm.wire.documents import answer_json, answer_object
from metallm.wire.extensions import THINKING
from metallm.wire.openai_chat import content_text
from metallm.wire.openai_usage import read_usage as read_canonical
from metallm.wire.openai_usage import write_usage as write_canonical
from metallm.wire.words import fields, kind, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISH_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "stop",
    "refusal": "content_filter",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
}
"""OpenAI's finish_reason by our stop_reason."""

STOP_REASONS: Mapping[str, str] = {
    "content_filter": "refusal",
    "function_call": "tool_use",
    "length": "max_tokens",
    "stop": "end_turn",
    "tool_calls": "tool_use",
}
"""The other way round."""

UNSIGNED = ""
"""The signature of thoughts that another wire's model had: no API takes them back."""


def read_message(arm: str, raw: bytes) -> tuple[Answer, dict[str, Any]]:
    """What is read from a whole answer, and all of it.

    Args:
        arm: the arm's name, for messages.
        raw: the answer's bytes.

    Raises:
        ProviderUnavailableError: no JSON, no content, or an error in place of an answer.
    """
    document = answer_object(arm, answer_json(arm, raw))
    if is_error(document):
        told, status = stream_error(document)
        raise ProviderUnavailableError(
            arm, f"an error came in place of an answer ({told})", status=status
        )
    if not isinstance(document.get("content"), list):
        raise ProviderUnavailableError(arm, "the answer has no content")
    answer = Answer(
        _texts(document["content"]),
        read_usage(document.get("usage")),
        _text(document.get("model")),
        finish_reason(document.get("stop_reason")),
    )
    return answer, document


def finish_reason(stop_reason: object) -> str | None:
    """OpenAI's word; one that we do not know ends as "stop" does."""
    return FINISH_REASONS.get(stop_reason, "stop") if isinstance(stop_reason, str) else None


def stop_reason(reason: object, *, calls: bool, refused: bool) -> str:
    """Our word for OpenAI's.

    Args:
        reason: the finish_reason.
        calls: whether a tool was called, which some hosts end with "stop" too.
        refused: whether the model refused.
    """
    if refused:
        return "refusal"
    told = STOP_REASONS.get(word(reason), "end_turn")
    return "tool_use" if calls and told == "end_turn" else told


def to_canonical(answer: Answer, document: dict[str, Any], *, created: int) -> bytes:
    """The answer as OpenAI's chat completions tell it.

    Args:
        answer: what was read from the document.
        document: of this wire.
        created: POSIX seconds.
    """
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    blocks = objects(document["content"])
    if any(kind(block) == "text" for block in blocks):
        message["content"] = answer.text
    calls = [_call(block) for block in blocks if kind(block) == "tool_use"]
    if calls:
        message["tool_calls"] = calls
    thoughts = [block for block in blocks if "thinking" in kind(block)]
    if thoughts:
        message["reasoning_content"] = "".join(str(each.get("thinking", "")) for each in thoughts)
        message[THINKING] = thoughts
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    canonical = {
        "id": document.get("id"),
        "object": "chat.completion",
        "created": created,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.usage is not None:
        canonical["usage"] = write_canonical(answer.usage)
    return orjson.dumps(canonical)


def from_canonical(raw: bytes, *, model: str) -> bytes:
    """An answer of OpenAI's chat completions as this wire tells it.

    Args:
        raw: the answer, its shape checked by whoever read it.
        model: what to name as the model.
    """
    document = orjson.loads(raw)
    choice = document["choices"][0]
    message = fields(choice.get("message"))
    reason = stop_reason(
        choice.get("finish_reason"),
        calls=bool(message.get("tool_calls")),
        refused=bool(message.get("refusal")),
    )
    usage = read_canonical(document.get("usage"))
    return orjson.dumps(
        {
            "id": document.get("id"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": _content(message),
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0}
            if usage is None
            else write_usage(usage),
        }
    )


def thoughts_in(source: Mapping[str, Any]) -> str:
    """The reasoning in a message or a delta, under either of the names that hosts give it."""
    return word(source.get("reasoning_content")) or word(source.get("reasoning"))


def _content(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = objects(message.get(THINKING))
    if not blocks and (thoughts := thoughts_in(message)):
        blocks.append({"type": "thinking", "thinking": thoughts, "signature": UNSIGNED})
    if text := content_text(message.get("content")) or word(message.get("refusal")):
        blocks.append({"type": "text", "text": text})
    return [*blocks, *(_use(call) for call in objects(message.get("tool_calls")))]


def _call(block: dict[str, Any]) -> dict[str, Any]:
    arguments = orjson.dumps(block.get("input") or {}).decode()
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _use(call: dict[str, Any]) -> dict[str, Any]:
    function = fields(call.get("function"))
    arguments = word(function.get("arguments")) or "{}"
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        given = {"arguments": arguments}  # what the model said, for the caller to see
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}


def _texts(blocks: list[Any]) -> str:
    return "".join(word(block.get("text")) for block in blocks if kind(block) == "text")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
