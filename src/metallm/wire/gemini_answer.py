"""Whole answers between Gemini's generateContent and the canonical form."""

from __future__ import annotations

from typing import Any

import orjson

from metallm.errors import ProviderUnavailableError
from metallm.wire.base import Answer
from metallm.wire.documents import answer_json, answer_object
from metallm.wire.gemini_candidate import (
    REASONS,
    candidates_of,
    canonical_reason,
    failed,
    logprobs_result,
    said,
)
from metallm.wire.gemini_errors import error_of, told_kind
from metallm.wire.gemini_signatures import SIGNATURE, signature_of
from metallm.wire.gemini_usage import read_usage, write_usage
from metallm.wire.logprobs import tokens_of
from metallm.wire.openai_chat import content_text
from metallm.wire.openai_usage import read_usage as read_canonical
from metallm.wire.openai_usage import write_usage as write_canonical
from metallm.wire.words import word


def read_document(arm: str, raw: bytes, *, logprobs: bool = False) -> tuple[Answer, dict[str, Any]]:
    """What is read from a whole answer, and all of it.

    Args:
        arm: the arm's name, for messages.
        raw: the answer's bytes.
        logprobs: whether the tokens of the first candidate are read too.

    Raises:
        ProviderUnavailableError: no JSON, no candidates, an error in place of an answer, or a model
            that lost its way in a call.
    """
    document = _document(arm, raw)
    candidates = candidates_of(document)
    if not candidates:
        raise ProviderUnavailableError(arm, "the answer has no candidates")
    if (reason := failed(candidates)) is not None:
        raise ProviderUnavailableError(arm, f"the model failed within its answer ({reason})")
    first = said(candidates[0], "")
    answer = Answer(
        first.text,
        read_usage(document.get("usageMetadata")),
        word(document.get("modelVersion")) or None,
        canonical_reason(candidates[0], calls=bool(first.calls)),
        tokens_of({"logprobs": first.logprobs}) if logprobs else (),
    )
    return answer, document


def to_canonical(answer: Answer, document: dict[str, Any], *, created: int, model: str) -> bytes:
    """The answer as OpenAI's chat completions tell it.

    Args:
        answer: what was read from the document.
        document: of this wire.
        created: POSIX seconds.
        model: the arm's, where the answer names none.
    """
    answer_id = word(document.get("responseId"))
    canonical = {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": answer.model or model,
        "choices": [
            _choice(candidate, number, answer_id or str(created))
            for number, candidate in enumerate(candidates_of(document))
        ],
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
    told: dict[str, Any] = {
        "candidates": [
            _candidate(choice, number) for number, choice in enumerate(document["choices"])
        ],
        "modelVersion": model,
        "responseId": document.get("id"),
    }
    usage = read_canonical(document.get("usage"))
    if usage is not None:
        told["usageMetadata"] = write_usage(usage)
    return orjson.dumps(told)


def call_part(call_id: object, name: object, arguments: object, signature: str) -> dict[str, Any]:
    """A call of a tool as a part; arguments that are no JSON object are told as the model said."""
    try:
        given = orjson.loads(arguments or b"{}") if isinstance(arguments, str | bytes) else {}
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        given = {"arguments": arguments}
    part: dict[str, Any] = {"functionCall": {"id": call_id, "name": name, "args": given}}
    return {**part, SIGNATURE: signature} if signature else part


def _document(arm: str, raw: bytes) -> dict[str, Any]:
    document = answer_json(arm, raw)
    if (told := error_of(document)) is not None:
        kind, status = told_kind(told)
        raise ProviderUnavailableError(
            arm, f"an error came in place of an answer ({kind})", status=status
        )
    return answer_object(arm, document)


def _choice(candidate: dict[str, Any], number: int, answer_id: str) -> dict[str, Any]:
    told = said(candidate, answer_id)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": told.text if told.text or not told.calls else None,
        "refusal": told.refusal,
    }
    if told.refusal is not None:
        message["content"] = None
    if told.calls:
        message["tool_calls"] = told.calls
    if told.thoughts:
        message["reasoning_content"] = told.thoughts
    return {
        "index": number,
        "message": message,
        "logprobs": told.logprobs,
        "finish_reason": canonical_reason(candidate, calls=bool(told.calls)),
    }


def _candidate(choice: dict[str, Any], number: int) -> dict[str, Any]:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    parts: list[dict[str, Any]] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought:
        parts.append({"text": thought, "thought": True})
    if text := content_text(message.get("content")) or word(message.get("refusal")):
        parts.append({"text": text})
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            told = (call.get("id"), function.get("name"), function.get("arguments"))
            parts.append(call_part(*told, signature_of(call)))
    written = {
        "content": {"role": "model", "parts": parts},
        "finishReason": REASONS.get(word(choice.get("finish_reason")), "STOP"),
        "index": number,
    }
    result = logprobs_result(choice.get("logprobs"))
    return written if result is None else {**written, "logprobsResult": result}
