"""What a message holds, between OpenAI's content parts and Gemini's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.base import UncarriedError
from metallm.wire.canonical import text_of, translated
from metallm.wire.data_urls import read_data_url, write_data_url
from metallm.wire.gemini_spelling import spelled
from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Callable

_SUFFIXES = {
    "gif": "image/gif",
    "heic": "image/heic",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""Type of an image by the end of its URL's path."""


def write_parts(content: object, place: str) -> list[dict[str, Any]]:
    """Parts for a message's content: a text, parts, or nothing. Empty texts are left out.

    Args:
        content: of a canonical message.
        place: where it stands, for messages.

    Raises:
        UncarriedError: a part that this wire does not know.
    """
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"text": content}]
    if not isinstance(content, list):
        raise UncarriedError(f"{place}, which is neither a text nor a list")
    parts = [_write_part(part, f"{place}[{number}]") for number, part in enumerate(content)]
    return [part for part in parts if part.get("text") != ""]


def read_part(part: dict[str, Any]) -> dict[str, Any] | None:
    """The canonical part; None where the canonical form has none."""
    if isinstance(text := part.get("text"), str):
        return {"type": "text", "text": text}
    if isinstance(given := part.get("inlineData"), dict):
        blob = spelled(given)
        return _read_blob(word(blob.get("mimeType")), word(blob.get("data")))
    if isinstance(given := part.get("fileData"), dict):
        file = spelled(given)
        if word(file.get("mimeType"))[:6] in {"", "image/"}:
            return {"type": "image_url", "image_url": {"url": file.get("fileUri")}}
    return None


def _write_part(part: object, place: str) -> dict[str, Any]:
    return translated(part, place, _WRITERS)


def _write_text(part: dict[str, Any], place: str) -> dict[str, Any]:
    return {"text": text_of(part, place)}


def _write_image(part: dict[str, Any], place: str) -> dict[str, Any]:
    image = part.get("image_url")
    url = word(image.get("url")) if isinstance(image, dict) else ""
    if not url:
        raise UncarriedError(f"{place}.image_url, which has no url")
    if (blob := _blob(url)) is not None:
        return blob
    if url.startswith("data:"):
        raise UncarriedError(f"{place}, whose data is not in base64")
    suffix = url.partition("?")[0].rpartition(".")[2].lower()
    named = {"mimeType": _SUFFIXES[suffix]} if suffix in _SUFFIXES else {}
    return {"fileData": {**named, "fileUri": url}}


def _write_audio(part: dict[str, Any], place: str) -> dict[str, Any]:
    audio = part.get("input_audio")
    data, form = (
        (word(audio.get("data")), word(audio.get("format")))
        if isinstance(audio, dict)
        else ("", "")
    )
    if not data or not form:
        raise UncarriedError(f"{place}.input_audio without data and format")
    return {"inlineData": {"mimeType": f"audio/{form}", "data": data}}


def _write_file(part: dict[str, Any], place: str) -> dict[str, Any]:
    file = part.get("file")
    blob = _blob(word(file.get("file_data"))) if isinstance(file, dict) else None
    if blob is None:
        raise UncarriedError(f"{place}.file without file_data in base64")
    return blob


def _blob(url: str) -> dict[str, Any] | None:
    found = read_data_url(url)
    return None if found is None else {"inlineData": {"mimeType": found[0], "data": found[1]}}


def _read_blob(mime: str, data: str) -> dict[str, Any]:
    if mime.startswith("audio/"):
        audio = {"data": data, "format": mime.removeprefix("audio/")}
        return {"type": "input_audio", "input_audio": audio}
    url = write_data_url(mime, data)
    if mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": "a-file", "file_data": url}}


_WRITERS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "text": _write_text,
    "refusal": _write_text,
    "image_url": _write_image,
    "input_audio": _write_audio,
    "file": _write_file,
}
