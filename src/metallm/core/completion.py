"""What is sent to an arm and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.price import Usage


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request in the shape of OpenAI's chat completions.

    Args:
        body: every field that the caller sent, unknown ones too; "model" is filled in per arm.
        answer_format: the `response_format` to send to arms that are `structured`, where the body
            has none; None for none.
    """

    body: Mapping[str, Any]
    answer_format: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One whole answer.

    Args:
        arm: the arm that answered.
        text: the first choice's text, "" where it has none (tool calls).
        usage: billed tokens; None where the provider sent none.
        latency_s: seconds from the request to the last byte.
        raw: the answer as bytes in the caller's wire format.
    """

    arm: str
    text: str
    usage: Usage | None
    latency_s: float
    raw: bytes


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a streamed answer.

    Args:
        data: the event's JSON as bytes, to be passed on unless `only_usage`.
        text: the text that this event adds.
        usage: billed tokens, on the event that carries them.
        only_usage: True for the extra event that was asked for by us and not by the caller.
    """

    data: bytes
    text: str = ""
    usage: Usage | None = None
    only_usage: bool = False
