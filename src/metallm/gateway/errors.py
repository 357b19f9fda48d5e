"""Errors to answers: the one place that knows which of ours is which HTTP status."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from metallm.errors import (
    AllArmsFailedError,
    BudgetExhaustedError,
    ConfigurationError,
    FeedbackConflictError,
    InputError,
    KeyRefusedError,
    MetaLLMError,
    NotAllowedError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RepeatMismatchError,
    StoreError,
    UnfitArmError,
    UnknownArmError,
    UnknownDecisionError,
    UnknownLabelError,
)
from metallm.wire.openai_errors import write_error

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.requests import Request

JSON = "application/json"

MAX_MESSAGE_CHARACTERS = 4000
"""Messages name what the client sent, which may be long."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of error is told.

    Args:
        status: HTTP status.
        type: what goes under "type".
        code: what goes under "code".
        again: whether a repeat can help.
    """

    status: int
    type: str
    code: str
    again: bool = True


_BAD = "invalid_request_error"
_OURS = "server_error"
_UPSTREAM = "provider_error"

_KINDS: dict[type, Kind] = {
    InputError: Kind(400, _BAD, "invalid_request", again=False),
    UnfitArmError: Kind(400, _BAD, "arm_cannot_take_query", again=False),
    UnknownArmError: Kind(404, _BAD, "model_not_found", again=False),
    UnknownDecisionError: Kind(404, _BAD, "decision_not_found", again=False),
    FeedbackConflictError: Kind(409, _BAD, "feedback_conflict", again=False),
    RepeatMismatchError: Kind(422, _BAD, "idempotency_key_reused", again=False),
    UnknownLabelError: Kind(422, _BAD, "unknown_label", again=False),
    KeyRefusedError: Kind(401, _BAD, "invalid_api_key", again=False),
    NotAllowedError: Kind(403, "permission_error", "not_allowed", again=False),
    RateLimitError: Kind(429, "rate_limit_error", "rate_limit_exceeded"),
    BudgetExhaustedError: Kind(429, "insufficient_quota", "insufficient_quota", again=False),
    ConfigurationError: Kind(500, _OURS, "configuration_error", again=False),
    StoreError: Kind(503, _OURS, "log_unavailable"),
    ProviderError: Kind(502, _UPSTREAM, "provider_failed"),
    ProviderRateLimitError: Kind(429, "rate_limit_error", "rate_limit_exceeded"),
    ProviderTimeoutError: Kind(504, _UPSTREAM, "provider_timeout"),
    ProviderUnavailableError: Kind(502, _UPSTREAM, "provider_unavailable"),
    # the key that was refused is ours: the caller can do nothing about it
    ProviderAuthError: Kind(502, _UPSTREAM, "provider_key_refused", again=False),
    ProviderRejectedError: Kind(400, _BAD, "provider_rejected", again=False),
    AllArmsFailedError: Kind(502, _UPSTREAM, "all_arms_failed"),
    MetaLLMError: Kind(500, _OURS, "internal_error"),
}

_PLAIN = {
    404: Kind(404, _BAD, "unknown_path", again=False),
    405: Kind(405, _BAD, "method_not_allowed", again=False),
    413: Kind(413, _BAD, "body_too_large", again=False),
}
"""What is refused before any of our code has seen it."""

_INTERNAL = Kind(500, _OURS, "internal_error")

_BUDGET_HELD = Kind(429, "rate_limit_error", "budget_held")
"""What is left would do, were not a part of it set aside for calls in flight."""

HELD_S = 1.0
"""How long to wait for such calls: most end within it, and most cost less than was set aside."""


def kind_of(error: MetaLLMError) -> Kind:
    """Status, type and code of an error; those of its nearest class that has some."""
    if isinstance(error, AllArmsFailedError) and _limits(error):
        return _KINDS[ProviderRateLimitError]
    if isinstance(error, BudgetExhaustedError) and _held(error):
        return _BUDGET_HELD
    kind = next(_KINDS[each] for each in type(error).__mro__ if each in _KINDS)
    if isinstance(error, ProviderRejectedError) and 400 <= (error.status or 0) < 500:
        return Kind(error.status or kind.status, kind.type, kind.code, again=False)
    return kind


def error_body(error: MetaLLMError) -> bytes:
    """An error in OpenAI's shape; a provider's own refusal as the provider put it."""
    if isinstance(error, ProviderRejectedError) and _is_error(error.body):
        return error.body
    kind = kind_of(error)
    told = str(error)[:MAX_MESSAGE_CHARACTERS]
    return write_error(told, kind=kind.type, param=getattr(error, "param", None), code=kind.code)


def error_answer(error: MetaLLMError) -> Response:
    """The answer that tells an error of ours."""
    kind, headers = kind_of(error), _waits(error)
    if isinstance(error, KeyRefusedError):
        headers["www-authenticate"] = "Bearer"
    return _answer(kind, error_body(error), headers)


def internal_body(request_id: str) -> bytes:
    """What is told of an error that nobody foresaw: where to look, and nothing of the inside."""
    told = f"an error inside the gateway; its log tells more under request {request_id}"
    return write_error(told, kind=_INTERNAL.type, code=_INTERNAL.code)


def internal_answer(request_id: str) -> Response:
    """The answer for an error that nobody foresaw."""
    return _answer(_INTERNAL, internal_body(request_id))


async def on_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for our tree."""
    del request
    assert isinstance(error, MetaLLMError)  # noqa: S101 - it is registered for that class alone
    return error_answer(error)


async def on_refused(request: Request, error: Exception) -> Response:
    """Starlette's handler for what it refuses by itself: paths, methods, sizes."""
    refused: HTTPException = error  # type: ignore[assignment]
    status = refused.status_code
    told = {
        404: f"nothing is served at {request.url.path[:200]}",
        405: f"{request.method[:20]} is not the method for {request.url.path[:200]}",
    }.get(status, refused.detail)
    kind = _PLAIN.get(status, Kind(status, _BAD, "refused", again=False))
    body = write_error(told, kind=kind.type, code=kind.code)
    return _answer(kind, body, dict(refused.headers or {}))


def failure_kind(error: ProviderError) -> str:
    """A provider's failure in one word, for counting."""
    return kind_of(error).code


def _limits(error: AllArmsFailedError) -> list[ProviderRateLimitError]:
    """The failures, where every one of them was a rate limit."""
    limits = [each for each in error.failures if isinstance(each, ProviderRateLimitError)]
    return limits if len(limits) == len(error.failures) else []


def _waits(error: MetaLLMError) -> dict[str, str]:
    """How long to wait, where that is known; of several providers' the shortest will do."""
    if isinstance(error, RateLimitError):
        return _wait(error.retry_after_s)
    if isinstance(error, BudgetExhaustedError) and _held(error):
        return _wait(HELD_S)
    limits = [error] if isinstance(error, ProviderRateLimitError) else []
    if isinstance(error, AllArmsFailedError):
        limits = _limits(error)
    waits = [each.retry_after_s for each in limits if each.retry_after_s is not None]
    if not waits:
        return {}
    return _wait(max(min(waits), 0.0))


def _held(error: BudgetExhaustedError) -> bool:
    return error.needed_usd <= error.left_usd + error.reserved_usd


def _wait(seconds: float) -> dict[str, str]:
    return {
        "retry-after": str(math.ceil(seconds)),
        "retry-after-ms": str(math.ceil(seconds * 1000)),
    }


def _is_error(body: bytes) -> bool:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and bool(document.get("error"))


def _answer(kind: Kind, body: bytes, headers: dict[str, str] | None = None) -> Response:
    told = dict(headers or {})
    if not kind.again:
        told["x-should-retry"] = "false"
    return Response(body, kind.status, told, JSON)
