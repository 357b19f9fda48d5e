"""How an answer signs itself: its id, the model that made it, and why it ended, in any wire.

For those who only watch answers pass by; callers get OpenAI's, Responses' or Anthropic's shape.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST = 256
"""Characters that are taken of a text; hosts may send any."""

MOST_REASONS = 16

_WITHIN = ("message", "response", "delta")
"""Where events of some wires' streams hold what a whole answer has at its top."""

_ENDS = re.compile(
    rb'"(?:finish|stop)_reason"\s*:\s*"|"type"\s*:\s*"response\.(?:completed|incomplete|failed)"'
)
"""What only an event that ends an answer holds; within texts its quotes would be escaped."""


class Signature(NamedTuple):
    """What an answer, or one event of it, tells of itself.

    Args:
        answer_id: the provider's id of it; None where it does not say.
        model: the model that the provider names; None where it does not say.
        reasons: why it ended, for each choice that did.
    """

    answer_id: str | None
    model: str | None
    reasons: tuple[str, ...] = ()


UNSIGNED = Signature(None, None)


def signature_of(raw: bytes) -> Signature:
    """Read an answer, or one event of a stream. What cannot be read tells nothing.

    Args:
        raw: JSON, in any wire that callers speak.
    """
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return UNSIGNED
    if not isinstance(document, dict):
        return UNSIGNED
    parts = (document, *(document[name] for name in _WITHIN if name in document))
    known = [part for part in parts if isinstance(part, dict)]
    reasons = tuple(reason for part in known for reason in _reasons(part))
    return Signature(_text(known, "id"), _text(known, "model"), reasons[:MOST_REASONS])


def ends(raw: bytes) -> bool:
    """Whether an event of a stream may tell why the answer ended; quicker than to read it."""
    return _ENDS.search(raw) is not None


def _text(parts: list[dict[str, Any]], name: str) -> str | None:
    values = (part.get(name) for part in parts)
    return next((value[:LONGEST] for value in values if isinstance(value, str) and value), None)


def _reasons(part: Mapping[str, Any]) -> Iterator[str]:
    choices = part.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            yield from _said(choice.get("finish_reason"))
    yield from _said(part.get("stop_reason"))
    if part.get("object") == "response" and part.get("status") != "in_progress":
        details = part.get("incomplete_details")
        why = details.get("reason") if isinstance(details, dict) else None
        yield from _said(why or part.get("status"))


def _said(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value[:LONGEST]
