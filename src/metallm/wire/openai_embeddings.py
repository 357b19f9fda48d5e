"""OpenAI's embeddings, which pass through: only the model's name and the bill are ours to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import InputError, ProviderUnavailableError
from metallm.wire.openai_errors import error_in
from metallm.wire.openai_usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.price import Usage

PATH = "/embeddings"
"""Where an API takes these requests, below its base URL."""

LARGE = 2**16
"""Bytes from which an answer is not read as a whole; no error in place of an answer is so long."""


def write_request(arm: Arm, body: Mapping[str, Any]) -> bytes:
    """What the caller sent, with the model that the host knows.

    Raises:
        InputError: a value that JSON cannot carry.
    """
    try:
        return orjson.dumps({**body, "model": arm.upstream_model})
    except orjson.JSONEncodeError as error:
        raise InputError(f"the request cannot be written as JSON: {error}") from error


def read_bill(arm: str, raw: bytes) -> Usage | None:
    """Billed tokens of an answer; None where it tells none.

    Args:
        arm: the model's name, for messages.
        raw: the answer's bytes.

    Raises:
        ProviderUnavailableError: no JSON, no embeddings, or an error in their place.
    """
    document = _end(raw) if len(raw) > LARGE else None
    if document is None:
        document = _whole(arm, raw)
    return read_usage(document.get("usage"))


def _end(raw: bytes) -> dict[str, Any] | None:
    """An answer from its usage on, which stands behind megabytes of numbers; None elsewhere.

    What is read ends with the brace that closes the answer, so nothing deeper is mistaken for it.
    """
    place = raw.rfind(b'"usage"')
    if place < 0 or not raw[:LARGE].lstrip().startswith(b"{"):
        return None
    try:
        found: dict[str, Any] = orjson.loads(b"{" + raw[place:])
    except orjson.JSONDecodeError:
        return None
    return found


def _whole(arm: str, raw: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProviderUnavailableError(arm, "the answer is no JSON") from error
    if not isinstance(document, dict):
        raise ProviderUnavailableError(arm, "the answer is no JSON object")
    if (problem := error_in(document)) is not None:
        told = problem.kind or "no kind given"
        raise ProviderUnavailableError(
            arm, f"an error came in place of embeddings ({told})", status=problem.status
        )
    if not isinstance(document.get("data"), list):
        raise ProviderUnavailableError(arm, "the answer has no embeddings")
    return document
