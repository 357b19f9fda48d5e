"""Errors as Google's APIs tell them: {"error": {"code", "message", "status", "details"}}.

Source: https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.openai_errors import read_error as read_any
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.openai_errors import WireError

KINDS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The kind by HTTP status."""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


def read_error(body: bytes) -> WireError:
    """What an error body says; a body in no known shape becomes the message."""
    error = error_of(_document(body)) or {}
    return replace(read_any(body), code=_reason(error), retry_after_s=_retry_after_s(error))


def error_of(document: object) -> dict[str, Any] | None:
    """The error that a document holds in place of an answer, in a list too; None for none."""
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) and error else None


def told_kind(error: Mapping[str, Any]) -> tuple[str, int | None]:
    """Kind and HTTP status of an error."""
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    return word(error.get("status"))[:80] or "no kind given", status


def write_error(body: bytes, *, status: int) -> bytes:
    """An error of ours, in OpenAI's shape, as this wire tells it; its own is given back as it is.

    Args:
        body: the error.
        status: HTTP status, which tells the kind.
    """
    own = error_of(_document(body))
    if own is not None and isinstance(own.get("status"), str):
        return body
    kind = KINDS.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
    message = read_any(body).message
    return orjson.dumps({"error": {"code": status, "message": message, "status": kind}})


def _reason(error: Mapping[str, Any]) -> str | None:
    """A finer kind such as API_KEY_INVALID, from the detail of the type ErrorInfo."""
    return next((told for told in map(word, _details(error, "reason")) if told), None)


def _retry_after_s(error: Mapping[str, Any]) -> float | None:
    """Seconds to wait, from the detail of the type RetryInfo."""
    found = (_SECONDS.fullmatch(word(delay)) for delay in _details(error, "retryDelay"))
    return next((float(seconds[1]) for seconds in found if seconds is not None), None)


def _details(error: Mapping[str, Any], name: str) -> list[Any]:
    """What the details tell under a name."""
    details = error.get("details")
    listed = details if isinstance(details, list) else []
    return [detail.get(name) for detail in listed if isinstance(detail, dict)]


def _document(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
