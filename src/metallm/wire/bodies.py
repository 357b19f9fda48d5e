"""Bodies of requests as JSON, for all wires alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


def written(body: Mapping[str, Any]) -> bytes:
    """A body as bytes.

    Raises:
        InputError: a value that JSON cannot carry.
    """
    try:
        return orjson.dumps(body, default=_plain)
    except orjson.JSONEncodeError as error:
        raise InputError(f"the request cannot be written as JSON: {error}") from error


def _plain(value: object) -> object:
    """What orjson does not know by itself: read-only mappings, which arms' options may be."""
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError
