"""Anthropic's Messages as callers of ours speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import ChatRequest, Native
from metallm.core.wires import ANTHROPIC
from metallm.wire.anthropic_answer import from_canonical
from metallm.wire.anthropic_asked import Asked
from metallm.wire.anthropic_errors import write_error
from metallm.wire.anthropic_wire import HEADERS
from metallm.wire.anthropic_writer import MessagesWriter
from metallm.wire.openai_naming import named_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.base import StreamWriter


class AnthropicFace:
    """Keeps what the caller sent, for arms of this wire, beside its translation for all others."""

    name = ANTHROPIC

    def read_request(self, body: dict[str, Any], headers: Mapping[str, str]) -> ChatRequest:
        """The canonical form, and the caller's own."""
        asked = Asked(body)
        kept = {name: headers[name] for name in HEADERS if name in headers}
        native = Native(ANTHROPIC, body, kept, tuple(asked.bound))
        return ChatRequest(asked.body, native=native)

    def write_answer(self, raw: bytes, *, wire: str, model: str) -> bytes:
        """The answer, naming the model; translated where it is canonical."""
        if wire == ANTHROPIC:
            return named_answer(orjson.loads(raw), model)
        return from_canonical(raw, model=model)

    def writer(self, model: str) -> StreamWriter:
        """Writes events."""
        return MessagesWriter(model)

    def write_error(self, body: bytes, *, status: int) -> bytes:
        """See `anthropic_errors.write_error`."""
        return write_error(body, status=status)
