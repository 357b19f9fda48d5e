"""What a host sends, whole answers and events of streams, as JSON documents."""

from __future__ import annotations

from typing import Any

import orjson

from metallm.errors import ProviderUnavailableError, StreamCutError


def answer_json(arm: str, raw: bytes) -> Any:
    """A whole answer, whatever JSON it is; errors are no objects on some wires.

    Args:
        arm: its name, for messages.
        raw: the answer's bytes.

    Raises:
        ProviderUnavailableError: no JSON.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProviderUnavailableError(arm, "the answer is no JSON") from error


def answer_object(arm: str, document: Any) -> dict[str, Any]:
    """An answer that has to be an object.

    Raises:
        ProviderUnavailableError: anything else.
    """
    if not isinstance(document, dict):
        raise ProviderUnavailableError(arm, "the answer is no JSON object")
    return document


def event_json(arm: str, data: bytes) -> Any:
    """The data of an event, whatever JSON it is. Arguments as for `answer_json`.

    Raises:
        StreamCutError: no JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise StreamCutError(arm, "the stream holds an event that is no JSON") from error


def event_object(arm: str, document: Any) -> dict[str, Any]:
    """An event that has to be an object.

    Raises:
        StreamCutError: anything else.
    """
    if not isinstance(document, dict):
        raise StreamCutError(arm, "the stream holds an event that is no JSON object")
    return document
