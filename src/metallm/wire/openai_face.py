"""OpenAI's chat completions as callers of ours speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import ChatRequest
from metallm.core.wires import OPENAI
from metallm.wire.openai_naming import ChunkNaming, named_answer
from metallm.wire.openai_stream import DONE
from metallm.wire.sse import write_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.completion import StreamEvent
    from metallm.wire.base import StreamWriter


class OpenAIFace:
    """The canonical wire: what comes from an arm goes out with the model's name changed."""

    name = OPENAI

    def read_request(self, body: dict[str, Any], headers: Mapping[str, str]) -> ChatRequest:
        """The body as it is."""
        del headers
        return ChatRequest(body)

    def write_answer(self, raw: bytes, *, wire: str, model: str) -> bytes:
        """The answer, naming the model."""
        del wire  # there is no other
        return named_answer(orjson.loads(raw), model)

    def writer(self, model: str) -> StreamWriter:
        """Writes chunks."""
        return _Writer(model)

    def write_error(self, body: bytes, *, status: int) -> bytes:
        """The body as it is."""
        del status
        return body


class _Writer:
    def __init__(self, model: str) -> None:
        self._name = ChunkNaming(model)

    def event(self, event: StreamEvent) -> bytes:
        return b"" if event.only_usage else write_event(self._name(event.data))

    def end(self) -> bytes:
        return DONE

    def error(self, body: bytes, *, status: int) -> bytes:
        del status
        return write_event(body)
