"""Errors as OpenAI's API tells them: {"error": {"message", "type", "param", "code"}}."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

MAX_MESSAGE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class WireError:
    """What an error body says.

    Args:
        message: the host's words, at most 500 characters; "" where it said nothing.
        type: a kind such as "invalid_request_error".
        param: the field of the request that is meant.
        code: a finer kind such as "context_length_exceeded", or a number as text.
        retry_after_s: seconds to wait, where the body tells them rather than a header.
    """

    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None

    @property
    def kind(self) -> str:
        """Type, code and field in one line, without the host's free text."""
        parts = [part for part in (self.type, self.code) if part]
        if self.param:
            parts.append(f"param {self.param}")
        return ", ".join(part[:80] for part in parts)

    @property
    def status(self) -> int | None:
        """The HTTP status, where the code is one: so hosts tell it within a stream."""
        return int(self.code) if self.code in _STATUSES else None


_STATUSES = {str(status) for status in range(400, 600)}


def write_error(
    message: str, *, kind: str, param: str | None = None, code: str | None = None
) -> bytes:
    """An error body.

    Args:
        message: what went wrong and what to do.
        kind: what goes under "type", such as "invalid_request_error".
        param: the field of the request that is meant.
        code: a finer kind, such as "model_not_found".
    """
    detail = {"message": message, "type": kind, "param": param, "code": code}
    return orjson.dumps({"error": detail})


def read_error(body: bytes) -> WireError:
    """What an error body says; a body in no known shape becomes the message."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return WireError(_cut(body.decode("utf-8", "replace")))
    if isinstance(document, list) and document:  # so Gemini's endpoint does
        document = document[0]
    if not isinstance(document, dict):
        return WireError(_cut(str(document)))
    return error_in(document) or _bare(document)


def error_in(document: dict[str, Any]) -> WireError | None:
    """The error that a whole answer or a stream's event holds, or None."""
    error = document.get("error")
    if not error:
        return None
    return _bare(error) if isinstance(error, dict) else WireError(_cut(str(error)))


def _bare(error: dict[str, Any]) -> WireError:
    message = next((error[key] for key in ("message", "detail") if error.get(key)), "")
    return WireError(
        _cut(message if isinstance(message, str) else orjson.dumps(message).decode()),
        _text(error.get("type") or error.get("status")),
        _text(error.get("param")),
        _text(error.get("code")),
    )


def _text(value: object) -> str | None:
    return None if value is None or isinstance(value, dict | list) else str(value)


def _cut(text: str) -> str:
    return " ".join(text.split())[:MAX_MESSAGE_CHARACTERS]
