"""Bedrock's Converse as callers of ours speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.completion import ChatRequest, Native
from metallm.core.wires import BEDROCK
from metallm.wire.bedrock_answer import from_canonical
from metallm.wire.bedrock_asked import Asked
from metallm.wire.bedrock_errors import write_error
from metallm.wire.bedrock_writer import ConverseWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.base import StreamWriter


class BedrockFace:
    """Keeps what the caller sent, for arms of this wire, beside its translation for all others.

    The model, and whether to stream, stand in the URL: whoever takes a request puts them into the
    body under "model" and "stream". Answers name no model.
    """

    name = BEDROCK

    def read_request(self, body: dict[str, Any], headers: Mapping[str, str]) -> ChatRequest:
        """The canonical form, and the caller's own."""
        del headers
        asked = Asked(body)
        native = Native(BEDROCK, body, bound=tuple(asked.bound))
        return ChatRequest(asked.body, native=native)

    def write_answer(self, raw: bytes, *, wire: str, model: str) -> bytes:
        """The answer as it came; translated where it is canonical."""
        del model
        return raw if wire == BEDROCK else from_canonical(raw)

    def writer(self, model: str) -> StreamWriter:
        """Writes events."""
        del model
        return ConverseWriter()

    def write_error(self, body: bytes, *, status: int) -> bytes:
        """See `bedrock_errors.write_error`."""
        return write_error(body, status=status)
