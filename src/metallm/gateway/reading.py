"""From a request's bytes to fields of the kinds we expect; what cannot be used is told by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from metallm.errors import InputError
from metallm.wire.openai_chat import read_request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.requests import Request

MAX_ITEMS = 1000
"""Texts or judgements in one request."""


class FieldError(InputError):
    """A field of the body cannot be used.

    Args:
        param: the field.
        told: what it must be, to be read after its name.
    """

    def __init__(self, param: str, told: str) -> None:
        super().__init__(f"{param} {told}")
        self.param = param


async def read_body(request: Request, max_bytes: int) -> dict[str, Any]:
    """The request's body, a JSON object.

    Args:
        request: whose body was not read yet.
        max_bytes: a larger body is refused, as soon as that is known.

    Raises:
        InputError: no JSON object.
        HTTPException: 413.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        pieces.append(piece)
    return dict(read_request(b"".join(pieces)).body)


def only_fields(source: Mapping[str, Any], known: Collection[str], prefix: str = "") -> None:
    """Refuse a field that nobody reads: most likely it is misspelt.

    Raises:
        FieldError: the first such field.
    """
    for name in source:
        if name not in known:
            told = f"is no field here; there are: {', '.join(sorted(known))}"
            raise FieldError(f"{prefix}{name[:80]}", told)


def text_field(source: Mapping[str, Any], name: str, prefix: str = "") -> str | None:
    """A text, or None where it is absent or null.

    Raises:
        FieldError: anything else, or an empty text.
    """
    value = source.get(name)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise FieldError(f"{prefix}{name}", "must be a text that is not empty")


def number_field(source: Mapping[str, Any], name: str, prefix: str = "") -> float | None:
    """A number, or None where it is absent or null. Its range is checked where it is used.

    Raises:
        FieldError: anything else, true and false too.
    """
    value = source.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise FieldError(f"{prefix}{name}", "must be a number")


def whole_field(source: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number, or the default where it is absent or null. Its range is checked elsewhere.

    Raises:
        FieldError: anything else, true and false too.
    """
    value = source.get(name)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise FieldError(name, "must be a whole number")


def flag_field(source: Mapping[str, Any], name: str) -> bool:
    """True or false; false where it is absent or null.

    Raises:
        FieldError: anything else.
    """
    value = source.get(name)
    if value is None or isinstance(value, bool):
        return value is True
    raise FieldError(name, "must be true or false")


def texts_field(source: Mapping[str, Any], name: str, prefix: str = "") -> list[str] | None:
    """A list of at most 1000 texts, or None where it is absent or null.

    Raises:
        FieldError: anything else, an empty text or an empty list.
    """
    values = source.get(name)
    if values is None:
        return None
    items = list_field(source, name, prefix)
    for place, item in enumerate(items):
        if not (isinstance(item, str) and item.strip()):
            raise FieldError(f"{prefix}{name}[{place}]", "must be a text that is not empty")
    return items


def list_field(source: Mapping[str, Any], name: str, prefix: str = "") -> list[Any]:
    """A list of 1 to 1000 items.

    Raises:
        FieldError: anything else.
    """
    values = source.get(name)
    if not isinstance(values, list) or not 0 < len(values) <= MAX_ITEMS:
        raise FieldError(f"{prefix}{name}", f"must be a list of 1 to {MAX_ITEMS} items")
    return values


def _too_large(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {max_bytes} bytes, the limit here")
