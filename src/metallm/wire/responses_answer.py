"""Whole answers in OpenAI's Responses, from the canonical form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.openai_usage import read_usage
from metallm.wire.responses_output import Output
from metallm.wire.words import fields, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.price import Usage

_REASONS: Mapping[str, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
"""Why an answer is incomplete, by OpenAI's finish_reason; all others are complete."""

_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "user": None,
}
"""What an answer repeats of its request, and what it says where the request has nothing."""

_FIXED: Mapping[str, Any] = {
    "background": False,
    "previous_response_id": None,
    "store": False,
    "truncation": "disabled",
}


class Frame:
    """All of a response but its output: who answers whom, and what was asked.

    Args:
        model: what to name as the model.
        asked: the request's JSON.
    """

    def __init__(self, model: str, asked: Mapping[str, Any]) -> None:
        self._model = model
        self._echo = {
            **_FIXED,
            **{
                name: default if asked.get(name) is None else asked[name]
                for name, default in _ECHOED.items()
            },
        }

    def around(
        self,
        output: list[dict[str, Any]],
        *,
        answer_id: str,
        created: object,
        status: str,
        **told: Any,
    ) -> dict[str, Any]:
        """The response.

        Args:
            output: its items.
            answer_id: as the canonical answer has it.
            created: POSIX seconds; anything else counts as unknown.
            status: "in_progress", "completed", "incomplete" or "failed".
            told: what else there is: error, incomplete_details, service_tier, usage.
        """
        document = {
            "id": f"resp_{answer_id}",
            "object": "response",
            "created_at": created if isinstance(created, int) else 0,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._model,
            "output": output,
            "service_tier": None,
            "usage": None,
        }
        return {**document, **self._echo, **told}


def ending(reason: object) -> dict[str, Any]:
    """Status and details for a finish_reason."""
    why = _REASONS.get(word(reason))
    if why is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": why}}


def write_usage(usage: Usage | None) -> dict[str, Any] | None:
    """Billed tokens; cached ones are part of the input's, reasoning of the output's."""
    if usage is None:
        return None
    read = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": read,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def from_canonical(raw: bytes, *, model: str, asked: Mapping[str, Any]) -> bytes:
    """A canonical answer as a response.

    Args:
        raw: the answer.
        model: what to name as the model.
        asked: the request's JSON.
    """
    document = fields(orjson.loads(raw))
    choice = next(iter(objects(document.get("choices"))), {})
    answer_id, end = plain_id(document), ending(choice.get("finish_reason"))
    output = Output(answer_id)
    output.add(fields(choice.get("message")), choice.get("logprobs"))
    output.close(end["status"])
    response = Frame(model, asked).around(
        output.items,
        answer_id=answer_id,
        created=document.get("created"),
        service_tier=document.get("service_tier"),
        usage=write_usage(read_usage(document.get("usage"))),
        **end,
    )
    return orjson.dumps(response)


def plain_id(document: Mapping[str, Any]) -> str:
    """The canonical answer's id; some hosts send none."""
    return word(document.get("id")) or "unnamed"
