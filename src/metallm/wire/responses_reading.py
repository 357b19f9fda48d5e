"""Whole answers in OpenAI's Responses, read, and as the canonical form has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.price import Usage
from metallm.errors import ProviderUnavailableError
from metallm.wire.base import Answer
from metallm.wire.documents import answer_json, answer_object
from metallm.wire.extensions import THINKING
from metallm.wire.openai_errors import WireError, error_in
from metallm.wire.openai_usage import count
from metallm.wire.openai_usage import write_usage as write_canonical
from metallm.wire.responses_thoughts import kept
from metallm.wire.words import fields, kind, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUSES: Mapping[str, int] = {"rate_limit_exceeded": 429, "server_error": 500}
"""HTTP status by an error's code; others mean the query."""


def read_response(arm: str, raw: bytes) -> tuple[Answer, dict[str, Any]]:
    """What is read from a whole answer, and all of it.

    Args:
        arm: the arm's name, for messages.
        raw: the answer's bytes.

    Raises:
        ProviderUnavailableError: no JSON, no output, or an error in place of an answer.
    """
    document = answer_object(arm, answer_json(arm, raw))
    if (problem := error_in(document)) is not None:
        raise ProviderUnavailableError(
            arm,
            f"an error came in place of an answer ({problem.kind or 'no kind given'})",
            status=status_of(problem),
        )
    if not isinstance(document.get("output"), list):
        raise ProviderUnavailableError(arm, "the answer has no output")
    if word(document.get("status")) in {"queued", "in_progress", "cancelled", "failed"}:
        raise ProviderUnavailableError(arm, f"the answer is {document['status']}")
    answer = Answer(
        "".join(word(part.get("text")) for part in _parts(document, "output_text")),
        read_usage(document.get("usage"), document.get("service_tier")),
        word(document.get("model")) or None,
        finish_reason(document),
    )
    return answer, document


def status_of(error: WireError) -> int | None:
    """The HTTP status that an error within an answer stands for, where it is known."""
    return error.status or _STATUSES.get(error.code or "")


def read_usage(usage: object, service: object = None) -> Usage | None:
    """Billed tokens: cached ones are part of the input's, reasoning of the output's.

    Args:
        usage: what stood under "usage", of any type.
        service: what stood beside it under "service_tier", of any type.
    """
    told = fields(usage)
    asked = count(told.get("input_tokens"))
    if asked is None:
        return None
    details = fields(told.get("input_tokens_details"))
    answered = count(told.get("output_tokens")) or 0
    thought = count(fields(told.get("output_tokens_details")).get("reasoning_tokens")) or 0
    cached = min(count(details.get("cached_tokens")) or 0, asked)
    written = min(count(details.get("cache_write_tokens")) or 0, asked - cached)
    return Usage(
        input_tokens=asked,
        output_tokens=answered,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=min(thought, answered),
        service=word(service) or None,
    )


def finish_reason(response: Mapping[str, Any]) -> str:
    """Why an answer ended, in the words of chat completions."""
    if word(response.get("status")) == "incomplete":
        why = word(fields(response.get("incomplete_details")).get("reason"))
        return "content_filter" if why == "content_filter" else "length"
    called = any(kind(item) == "function_call" for item in objects(response.get("output")))
    return "tool_calls" if called else "stop"


def canonical_logprobs(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Log probabilities of an answer's text, as chat completions tell them; None for none."""
    said = _parts(document, "output_text")
    tokens = [each for part in said for each in objects(part.get("logprobs"))]
    return {"content": tokens, "refusal": None} if tokens else None


def to_canonical(answer: Answer, document: Mapping[str, Any], *, created: int) -> bytes:
    """The answer as chat completions tell it.

    Args:
        answer: what was read from the document.
        document: of this wire.
        created: POSIX seconds.
    """
    said = _parts(document, "output_text")
    refused = "".join(word(part.get("refusal")) for part in _parts(document, "refusal"))
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text if said else None,
        "refusal": refused or None,
    }
    items = objects(document.get("output"))
    if calls := [_call(item) for item in items if kind(item) == "function_call"]:
        message["tool_calls"] = calls
    thoughts = [item for item in items if kind(item) == "reasoning"]
    if thought := "".join(map(thought_in, thoughts)):
        message["reasoning_content"] = thought
    if blocks := [block for item in thoughts for block in kept(item)]:
        message[THINKING] = blocks
    choice = {
        "index": 0,
        "message": message,
        "logprobs": canonical_logprobs(document),
        "finish_reason": answer.finish_reason,
    }
    canonical = {
        "id": document.get("id"),
        "object": "chat.completion",
        "created": created,
        "model": answer.model,
        "choices": [choice],
    }
    if word(document.get("service_tier")):
        canonical["service_tier"] = document["service_tier"]
    if answer.usage is not None:
        canonical["usage"] = write_canonical(answer.usage)
    return orjson.dumps(canonical)


def thought_in(item: Mapping[str, Any]) -> str:
    """What a reasoning item tells: all of it where the host shows that, or its summary."""
    parts = objects(item.get("content")) or objects(item.get("summary"))
    return "".join(word(part.get("text")) for part in parts)


def _parts(document: Mapping[str, Any], wanted: str) -> list[dict[str, Any]]:
    """The parts of all messages of one type."""
    items = objects(document.get("output"))
    messages = [item for item in items if kind(item) == "message"]
    parts = (part for item in messages for part in objects(item.get("content")))
    return [part for part in parts if kind(part) == wanted]


def _call(item: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": item.get("name"), "arguments": word(item.get("arguments")) or "{}"}
    return {"id": item.get("call_id"), "type": "function", "function": function}
