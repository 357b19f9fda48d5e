"""What a message holds, between OpenAI's content parts and Anthropic's content blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.base import UncarriedError
from metallm.wire.canonical import text_of, translated
from metallm.wire.data_urls import DATA, read_data_url, write_data_url
from metallm.wire.extensions import CACHE_CONTROL
from metallm.wire.words import fields, kind

if TYPE_CHECKING:
    from collections.abc import Callable

PDF = "application/pdf"


def write_blocks(content: object, place: str) -> list[dict[str, Any]]:
    """Blocks for a message's content: a text, parts, or nothing. Empty texts are left out.

    Args:
        content: of a canonical message.
        place: where it stands, for messages.

    Raises:
        UncarriedError: a part that this wire does not know.
    """
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise UncarriedError(f"{place}, which is neither a text nor a list")
    blocks = []
    for number, part in enumerate(content):
        block = _write_block(part, f"{place}[{number}]")
        if block.get("text") != "":
            blocks.append(block)
    return blocks


def read_part(block: dict[str, Any]) -> dict[str, Any] | None:
    """The part for a block; None where the canonical form has none."""
    reader = _READERS.get(kind(block))
    part = None if reader is None else reader(block)
    if part is not None and block.get(CACHE_CONTROL) is not None:
        part[CACHE_CONTROL] = block[CACHE_CONTROL]
    return part


def _write_block(part: object, place: str) -> dict[str, Any]:
    block = translated(part, place, _WRITERS)
    if (marked := fields(part).get(CACHE_CONTROL)) is not None:
        block[CACHE_CONTROL] = marked
    return block


def _write_text(part: dict[str, Any], place: str) -> dict[str, Any]:
    return {"type": "text", "text": text_of(part, place)}


def _write_image(part: dict[str, Any], place: str) -> dict[str, Any]:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        raise UncarriedError(f"{place}.image_url, which has no url")
    if url.startswith(DATA):
        return {"type": "image", "source": _source(url, place)}
    return {"type": "image", "source": {"type": "url", "url": url}}


def _write_file(part: dict[str, Any], place: str) -> dict[str, Any]:
    file = part.get("file")
    data = file.get("file_data") if isinstance(file, dict) else None
    if not isinstance(file, dict) or not isinstance(data, str):
        raise UncarriedError(f"{place}.file without file_data")
    source = _source(data, place)
    if source["media_type"] != PDF:
        raise UncarriedError(
            f"{place}.file of type {source['media_type']:.40}: only {PDF} is known"
        )
    document = {"type": "document", "source": source}
    return {**document, "title": file["filename"]} if file.get("filename") else document


def _source(url: str, place: str) -> dict[str, Any]:
    """What a data URL holds."""
    held = read_data_url(url)
    if held is None:
        raise UncarriedError(f"{place}, whose data is not in base64")
    mime, data = held
    return {"type": "base64", "media_type": mime, "data": data}


def _read_text(block: dict[str, Any]) -> dict[str, Any] | None:
    text = block.get("text")
    return {"type": "text", "text": text} if isinstance(text, str) else None


def _read_image(block: dict[str, Any]) -> dict[str, Any] | None:
    source = fields(block.get("source"))
    url = source.get("url") if source.get("type") == "url" else _data_url(source)
    return {"type": "image_url", "image_url": {"url": url}} if isinstance(url, str) else None


def _read_document(block: dict[str, Any]) -> dict[str, Any] | None:
    source, title = fields(block.get("source")), block.get("title")
    if fields(block.get("citations")).get("enabled"):
        return None
    if source.get("type") == "text" and isinstance(source.get("data"), str):
        above = f"{title}\n\n" if title else ""
        return {"type": "text", "text": above + source["data"]}
    url = _data_url(source) if source.get("media_type") == PDF else None
    if url is None:
        return None
    return {"type": "file", "file": {"filename": title or "a.pdf", "file_data": url}}


def _data_url(source: dict[str, Any]) -> str | None:
    """The URL of what a block holds in base64; None where it holds none."""
    mime, data = source.get("media_type"), source.get("data")
    if source.get("type") != "base64" or not isinstance(mime, str) or not isinstance(data, str):
        return None
    return write_data_url(mime, data)


_WRITERS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "text": _write_text,
    "refusal": _write_text,
    "image_url": _write_image,
    "file": _write_file,
}

_READERS: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
}
