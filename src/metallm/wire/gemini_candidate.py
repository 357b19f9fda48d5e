"""One candidate of an answer of Gemini's, whole or a streamed piece of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.gemini_signatures import SIGNATURE, extra_of
from metallm.wire.words import fields, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISH_REASONS: Mapping[str, str] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "BLOCKLIST": "content_filter",
    "ESCALATION": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "LANGUAGE": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "RECITATION": "content_filter",
    "SAFETY": "content_filter",
    "SPII": "content_filter",
}
"""OpenAI's finish_reason by the finishReason; one that is not here ends as "stop" does."""

REASONS: Mapping[str, str] = {
    "content_filter": "SAFETY",
    "function_call": "STOP",
    "length": "MAX_TOKENS",
    "stop": "STOP",
    "tool_calls": "STOP",
}
"""The other way round."""

FAILURES = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "OTHER",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
"""Why a model broke off; where it had said nothing, there is no answer."""

_BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Said:
    """What a candidate holds.

    Args:
        text: of its answer.
        thoughts: the summary of its reasoning.
        calls: of tools, canonical.
        refusal: why the prompt was blocked; None where it was not.
        logprobs: canonical; None where there are none.
    """

    text: str
    thoughts: str
    calls: list[dict[str, Any]]
    refusal: str | None
    logprobs: dict[str, Any] | None


def candidates_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidates of an answer; one that says so where the prompt was blocked."""
    listed = document.get("candidates")
    candidates = listed if isinstance(listed, list) else []
    found = [each for each in candidates if isinstance(each, dict)]
    feedback = document.get("promptFeedback")
    reason = word(feedback.get("blockReason")) if isinstance(feedback, dict) else ""
    if reason and not found:
        return [{_BLOCKED: reason, "finishReason": "SAFETY"}]
    return found


def said(candidate: Mapping[str, Any], answer_id: str, begun: int = 0) -> Said:
    """What a candidate, or a piece of one, holds.

    Args:
        candidate: of this wire.
        answer_id: of the answer, for calls that have no id of their own.
        begun: calls of this candidate in the pieces before.
    """
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    text, thoughts = "", ""
    calls: list[dict[str, Any]] = []
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("functionCall"), dict):
            calls.append(_call(part, answer_id, begun + len(calls)))
        elif part.get("thought"):
            thoughts += word(part.get("text"))
        else:
            text += word(part.get("text"))
    blocked = word(candidate.get(_BLOCKED))
    refusal = f"the provider blocks this prompt ({blocked[:80]})" if blocked else None
    return Said(text, thoughts, calls, refusal, _logprobs(candidate.get("logprobsResult")))


def canonical_reason(candidate: Mapping[str, Any], *, calls: bool) -> str | None:
    """Why a candidate ended, in OpenAI's words; None where it has not.

    Args:
        candidate: of this wire.
        calls: whether it called a tool, which this wire ends with STOP too.
    """
    told = word(candidate.get("finishReason"))
    if not told or told == "FINISH_REASON_UNSPECIFIED":
        return None
    reason = FINISH_REASONS.get(told, "stop")
    return "tool_calls" if calls and reason == "stop" else reason


def failed(candidates: list[dict[str, Any]]) -> str | None:
    """Why there is no answer, where every candidate failed before it had said anything."""
    for candidate in candidates:
        told = said(candidate, "")
        if told.text or told.calls or word(candidate.get("finishReason")) not in FAILURES:
            return None
    return word(candidates[0].get("finishReason"))


def _call(part: dict[str, Any], answer_id: str, number: int) -> dict[str, Any]:
    told = part["functionCall"]
    given = told.get("args")
    arguments = orjson.dumps(given if isinstance(given, dict) else {}).decode()
    call = {
        # at most forty characters: hosts of OpenAI's wire take no longer ids
        "id": word(told.get("id")) or f"call_{number}_{answer_id}"[:40],
        "type": "function",
        "function": {"name": told.get("name"), "arguments": arguments},
    }
    return {**call, **extra_of(word(part.get(SIGNATURE)))}


def _logprobs(result: object) -> dict[str, Any] | None:
    if not isinstance(result, dict) or not isinstance(result.get("chosenCandidates"), list):
        return None
    tops = result.get("topCandidates")
    content = []
    for place, chosen in enumerate(result["chosenCandidates"]):
        told = tops[place] if isinstance(tops, list) and place < len(tops) else None
        others = told.get("candidates") if isinstance(told, dict) else None
        alternatives = [_token(each) for each in others] if isinstance(others, list) else []
        content.append({**_token(chosen), "top_logprobs": alternatives})
    return {"content": content, "refusal": None}


def logprobs_result(told: object) -> dict[str, Any] | None:
    """Canonical log probabilities of a choice, as this wire tells them; None where there are none.

    Args:
        told: the choice's "logprobs".
    """
    tokens = objects(fields(told).get("content"))
    if not tokens:
        return None
    tops = [[_candidate(each) for each in objects(token.get("top_logprobs"))] for token in tokens]
    return {
        "chosenCandidates": [_candidate(token) for token in tokens],
        "topCandidates": [{"candidates": each} for each in tops],
    }


def _candidate(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": word(told.get("token")), "logProbability": told.get("logprob")}


def _token(told: object) -> dict[str, Any]:
    source = told if isinstance(told, dict) else {}
    token, value = word(source.get("token")), source.get("logProbability")
    return {
        "token": token,
        "logprob": value if isinstance(value, int | float) else 0.0,  # zero is left out
        "bytes": list(token.encode(errors="replace")),
    }
