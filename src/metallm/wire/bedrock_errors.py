"""Errors as Bedrock tells them: {"message"}, the kind in a header; exceptions within a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from metallm.wire.openai_errors import read_error as read_any
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.openai_errors import WireError

STATUSES: Mapping[str, int] = {
    "ValidationException": 400,
    "ServiceQuotaExceededException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ModelNotReadyException": 429,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
"""HTTP status by kind: within a stream the kind is all that is told."""

_KINDS = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
_KIND = "__type"


def read_error(body: bytes) -> WireError:
    """What an error body says; a body in no known shape becomes the message.

    The kind is in the body of some of AWS's services alone; the status tells as much.
    """
    told = read_any(body)
    kind = word(_document(body).get(_KIND)).rpartition("#")[2]
    return replace(told, type=kind or told.type)


def kind_of(status: int) -> str:
    """The kind that a status stands for."""
    return _KINDS.get(status, "ValidationException" if status < 500 else "InternalServerException")


def status_of(kind: str) -> int | None:
    """HTTP status of a kind, however its first letter is written; None for one we do not know."""
    return STATUSES.get(kind[:1].upper() + kind[1:])


def write_error(body: bytes, *, status: int) -> bytes:
    """An error of ours, in OpenAI's shape, as this wire tells it; its own is given back as it is.

    Args:
        body: the error.
        status: HTTP status, which tells the kind.
    """
    if _KIND in _document(body):
        return body
    return orjson.dumps({"message": read_any(body).message, _KIND: kind_of(status)})


def _document(body: bytes) -> dict[str, object]:
    """The JSON object that a body is; an empty one for any other."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
