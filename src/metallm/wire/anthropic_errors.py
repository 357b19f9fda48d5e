"""Errors as Anthropic's API tells them: {"type": "error", "error": {"type", "message"}}."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.openai_errors import error_in
from metallm.wire.openai_errors import read_error as read_any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.openai_errors import WireError

STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""HTTP status by type: within a stream the type is all that is told."""

_TYPES = {status: kind for kind, status in STATUSES.items()}


def read_error(body: bytes) -> WireError:
    """What an error body says; a body in no known shape becomes the message."""
    return replace(read_any(body), code=_code(_document(body)))


def stream_error(document: dict[str, Any]) -> tuple[str, int | None]:
    """Kind and HTTP status of the error that an event holds."""
    told = error_in(document)
    if told is None:
        return "no kind given", None
    return told.kind or "no kind given", STATUSES.get(told.type or "")


def is_error(document: object) -> bool:
    """Whether a document is an error of this wire."""
    return isinstance(document, dict) and document.get("type") == "error"


def write_error(body: bytes, *, status: int) -> bytes:
    """An error of ours, in OpenAI's shape, as this wire tells it; its own is given back as it is.

    Args:
        body: the error.
        status: HTTP status, which tells the type.
    """
    if is_error(_document(body)):
        return body
    told = read_any(body)
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    error: dict[str, Any] = {"type": kind, "message": told.message}
    if told.code is not None:
        error["details"] = {"error_code": told.code}
    return orjson.dumps({"type": "error", "error": error})


def _document(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty one for any other."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _code(document: dict[str, Any]) -> str | None:
    error = document.get("error")
    details = error.get("details") if isinstance(error, dict) else None
    code = details.get("error_code") if isinstance(details, dict) else None
    return code if isinstance(code, str) else None
