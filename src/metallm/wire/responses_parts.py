"""The parts of a message in OpenAI's Responses, as the canonical form has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.errors import InputError
from metallm.wire.words import kind

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT_NOWHERE = "nothing is kept here between requests; send along what is meant"
"""Why a part, an item or a state cannot be named by its id."""


class RefusedFieldError(InputError):
    """A field of the request cannot be read or served; nothing is dropped in silence.

    Args:
        param: the field, by place.
        told: what about it, to be read after its name.
    """

    def __init__(self, param: str, told: str) -> None:
        super().__init__(f"{param} {told}")
        self.param = param


def objects_of(value: object, place: str) -> list[dict[str, Any]]:
    """A list of objects.

    Raises:
        RefusedFieldError: anything else.
    """
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise RefusedFieldError(place, "must be a list of objects")
    return value


def text_of(source: Mapping[str, Any], name: str, place: str) -> str:
    """A text, which may be empty.

    Raises:
        RefusedFieldError: anything else.
    """
    value = source.get(name)
    if not isinstance(value, str):
        raise RefusedFieldError(f"{place}.{name}", "must be a text")
    return value


def read_content(content: object, place: str) -> Any:
    """A message's content: a text, or parts.

    Raises:
        RefusedFieldError: a part of no known kind, or one that is named by an id.
    """
    if isinstance(content, str):
        return content
    parts = [
        read_part(part, f"{place}[{number}]")
        for number, part in enumerate(objects_of(content, place))
    ]
    return plainest(parts)


def plainest(parts: list[dict[str, Any]]) -> Any:
    """One text alone as a text, and nothing as an empty one."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts or ""


def read_part(part: dict[str, Any], place: str) -> dict[str, Any]:
    """One part.

    Raises:
        RefusedFieldError: as for `read_content`.
    """
    if isinstance(part.get("file_id"), str):
        raise RefusedFieldError(f"{place}.file_id", f"cannot be served: {KEPT_NOWHERE}")
    match kind(part):
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": text_of(part, "text", place)}
        case "refusal":
            return {"type": "refusal", "refusal": text_of(part, "refusal", place)}
        case "input_image":
            image = {"url": text_of(part, "image_url", place)}
            if part.get("detail") is not None:
                image["detail"] = part["detail"]
            return {"type": "image_url", "image_url": image}
        case "input_file":
            return _file(part, place)
        case "input_audio":
            return {"type": "input_audio", "input_audio": part.get("input_audio")}
        case other:
            raise RefusedFieldError(f"{place}.type", f"{other!r:.40} is no part that is served")


def _file(part: dict[str, Any], place: str) -> dict[str, Any]:
    if part.get("file_url") is not None:
        raise RefusedFieldError(f"{place}.file_url", "cannot be served: send it as file_data")
    file = {"file_data": text_of(part, "file_data", place)}
    if part.get("filename") is not None:
        file["filename"] = part["filename"]
    return {"type": "file", "file": file}
