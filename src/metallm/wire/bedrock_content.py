"""What a message holds, between OpenAI's content parts and Converse's content blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from metallm.wire.base import UncarriedError
from metallm.wire.canonical import text_of, translated
from metallm.wire.data_urls import read_data_url, write_data_url
from metallm.wire.extensions import CACHE_CONTROL
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

IMAGES: Mapping[str, str] = {
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
}
DOCUMENTS: Mapping[str, str] = {
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}
"""The wire's word for a format, by the type that a data URL names."""

_TYPES = {form: mime for mime, form in (*IMAGES.items(), *DOCUMENTS.items())}
_NO_NAME = re.compile(r"[^a-zA-Z0-9\-()\[\]]+")


def write_blocks(content: object, place: str, *, marks: bool) -> list[dict[str, Any]]:
    """Blocks for a message's content: a text, parts, or nothing. Blank texts are left out.

    Args:
        content: of a canonical message.
        place: where it stands, for messages.
        marks: whether the model takes marks of what is to be kept.

    Raises:
        UncarriedError: a part that this wire does not know.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [{"text": content}] if content.strip() else []
    if not isinstance(content, list):
        raise UncarriedError(f"{place}, which is neither a text nor a list")
    blocks = []
    for number, part in enumerate(content):
        block = _write_block(part, f"{place}[{number}]")
        if block.get("text", "x").strip():
            blocks.append(block)
            blocks += cache_points(part, marks=marks)
    return blocks


def cache_points(marked: Mapping[str, Any], *, marks: bool) -> list[dict[str, Any]]:
    """The block that says that the prompt is to be kept up to here; none where nothing says so.

    Args:
        marked: a part, a message or a tool of the canonical form.
        marks: whether the model takes such blocks.
    """
    mark = marked.get(CACHE_CONTROL)
    if not marks or not isinstance(mark, dict):
        return []
    ttl = {"ttl": mark["ttl"]} if word(mark.get("ttl")) in {"5m", "1h"} else {}
    return [{"cachePoint": {"type": "default", **ttl}}]


def read_blocks(blocks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The canonical parts, and what blocks the canonical form has no part for."""
    parts: list[dict[str, Any]] = []
    odd = []
    for block in blocks:
        if isinstance(point := block.get("cachePoint"), dict):
            if parts:
                ttl = {"ttl": point["ttl"]} if point.get("ttl") else {}
                parts[-1][CACHE_CONTROL] = {"type": "ephemeral", **ttl}
            continue
        part = _read_block(block)
        if part is None:
            odd.append(", ".join(sorted(block))[:80])
        else:
            parts.append(part)
    return parts, odd


def _write_block(part: object, place: str) -> dict[str, Any]:
    return translated(part, place, _WRITERS)


def _write_text(part: dict[str, Any], place: str) -> dict[str, Any]:
    return {"text": text_of(part, place)}


def _write_image(part: dict[str, Any], place: str) -> dict[str, Any]:
    image = part.get("image_url")
    url = word(image.get("url")) if isinstance(image, dict) else ""
    mime, data = read_data_url(url) or ("", "")
    if mime not in IMAGES:
        raise UncarriedError(f"{place}.image_url, which has to hold a png, jpeg, gif or webp")
    return {"image": {"format": IMAGES[mime], "source": {"bytes": data}}}


def _write_audio(part: dict[str, Any], place: str) -> dict[str, Any]:
    audio = part.get("input_audio")
    source = audio if isinstance(audio, dict) else {}
    data, form = word(source.get("data")), word(source.get("format"))
    if not data or not form:
        raise UncarriedError(f"{place}.input_audio without data and format")
    return {"audio": {"format": form, "source": {"bytes": data}}}


def _write_file(part: dict[str, Any], place: str) -> dict[str, Any]:
    file = part.get("file")
    source = file if isinstance(file, dict) else {}
    mime, data = read_data_url(word(source.get("file_data"))) or ("", "")
    if mime not in DOCUMENTS:
        raise UncarriedError(f"{place}.file of type {mime!r:.40}")
    name = _NO_NAME.sub(" ", word(source.get("filename")).rpartition(".")[0]).strip()[:180]
    document = {"format": DOCUMENTS[mime], "name": name or "document"}
    return {"document": {**document, "source": {"bytes": data}}}


def _read_block(block: dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(text := block.get("text"), str):
        return {"type": "text", "text": text}
    for name in ("image", "document", "audio"):
        held = block.get(name)
        source = held.get("source") if isinstance(held, dict) else None
        data = source.get("bytes") if isinstance(source, dict) else None
        if isinstance(held, dict) and isinstance(data, str):
            return _read_media(name, held, word(held.get("format")), data)
    return None


def _read_media(name: str, held: dict[str, Any], form: str, data: str) -> dict[str, Any] | None:
    if name == "audio":
        return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    if form not in _TYPES:
        return None
    url = write_data_url(_TYPES[form], data)
    if name == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    filename = f"{word(held.get('name')) or 'document'}.{form}"
    return {"type": "file", "file": {"filename": filename, "file_data": url}}


_WRITERS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "text": _write_text,
    "refusal": _write_text,
    "image_url": _write_image,
    "input_audio": _write_audio,
    "file": _write_file,
}
