"""Gemini's generateContent as callers of ours speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import ChatRequest, Native
from metallm.core.wires import GEMINI
from metallm.wire.gemini_answer import from_canonical
from metallm.wire.gemini_asked import Asked
from metallm.wire.gemini_errors import write_error
from metallm.wire.gemini_writer import ContentWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.base import StreamWriter


class GeminiFace:
    """Keeps what the caller sent, for arms of this wire, beside its translation for all others.

    The model, and whether to stream, stand in the URL: whoever takes a request puts them into the
    body under "model" and "stream".
    """

    name = GEMINI

    def read_request(self, body: dict[str, Any], headers: Mapping[str, str]) -> ChatRequest:
        """The canonical form, and the caller's own."""
        del headers
        asked = Asked(body)
        native = Native(GEMINI, body, bound=tuple(asked.bound))
        return ChatRequest(asked.body, native=native)

    def write_answer(self, raw: bytes, *, wire: str, model: str) -> bytes:
        """The answer, naming the model; translated where it is canonical."""
        if wire == GEMINI:
            return orjson.dumps({**orjson.loads(raw), "modelVersion": model})
        return from_canonical(raw, model=model)

    def writer(self, model: str) -> StreamWriter:
        """Writes events."""
        return ContentWriter(model)

    def write_error(self, body: bytes, *, status: int) -> bytes:
        """See `gemini_errors.write_error`."""
        return write_error(body, status=status)
