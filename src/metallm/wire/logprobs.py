"""Log probabilities of an answer's tokens: asked for where an arm tells them, and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.completion import Token
from metallm.core.needs import LOGPROBS
from metallm.wire.words import fields, objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest

MOST_OTHERS = 5
"""Alternatives to each token that are asked for: no host that tells any gives fewer."""

NEVER = -9999.0
"""What hosts write for an impossible token, and what stands for anything that is no number."""


def with_logprobs(arm: Arm, request: ChatRequest, body: dict[str, Any]) -> dict[str, Any]:
    """A canonical body that asks for log probabilities, where the request and the arm want it.

    Fields that the caller or the arm's options give stay as they are.

    Args:
        arm: who is asked.
        request: what is asked.
        body: as `merged` gives it.
    """
    if not (request.logprobs and arm.logprobs) or LOGPROBS in (*arm.lacks, *arm.ignores):
        return body
    return {"logprobs": True, "top_logprobs": MOST_OTHERS, **body}


def tokens_of(choice: Mapping[str, Any]) -> tuple[Token, ...]:
    """The tokens of a canonical choice's text; none where it tells none.

    Some hosts tell them as OpenAI's old completions do, in three lists.
    """
    told = fields(choice.get("logprobs"))
    content = objects(told.get("content"))
    if content:
        return tuple(_token(each) for each in content)
    texts, numbers = told.get("tokens"), told.get("token_logprobs")
    if not (isinstance(texts, list) and isinstance(numbers, list) and len(texts) == len(numbers)):
        return ()
    tops = told.get("top_logprobs")
    others = tops if isinstance(tops, list) and len(tops) == len(texts) else [None] * len(texts)
    return tuple(
        Token(_encoded(text), _number(number), _listed(each))
        for text, number, each in zip(texts, numbers, others, strict=True)
    )


def _token(told: Mapping[str, Any]) -> Token:
    others = objects(told.get("top_logprobs"))
    return Token(
        _bytes(told),
        _number(told.get("logprob")),
        tuple((_bytes(each), _number(each.get("logprob"))) for each in others),
    )


def _listed(told: Any) -> tuple[tuple[bytes, float], ...]:
    if not isinstance(told, dict):
        return ()
    return tuple((_encoded(text), _number(number)) for text, number in told.items())


def _bytes(told: Mapping[str, Any]) -> bytes:
    """What a token really is: its text may stand for a part of a character."""
    given = told.get("bytes")
    if isinstance(given, list) and all(isinstance(b, int) and 0 <= b <= 255 for b in given):
        return bytes(given)
    return _encoded(told.get("token"))


def _encoded(text: Any) -> bytes:
    return text.encode(errors="replace") if isinstance(text, str) else b""


def _number(value: Any) -> float:
    """A logarithm of a probability; NaN is none, and rounding makes none above 0."""
    known = isinstance(value, int | float) and value == value  # noqa: PLR0124 - not NaN
    return min(float(value), 0.0) if known else NEVER
