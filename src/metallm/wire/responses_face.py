"""OpenAI's Responses as callers of ours speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import ChatRequest, Native
from metallm.core.wires import RESPONSES
from metallm.wire.openai_naming import named_answer
from metallm.wire.responses_answer import from_canonical
from metallm.wire.responses_asked import Asked
from metallm.wire.responses_writer import ResponsesWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.base import StreamWriter


class ResponsesFace:
    """Answers repeat what was asked, so each request is answered by a face of its own.

    Args:
        asked: the request's JSON; None for the face that reads requests.
    """

    name = RESPONSES

    def __init__(self, asked: Mapping[str, Any] | None = None) -> None:
        self._asked = asked or {}

    def answering(self, request: ChatRequest) -> ResponsesFace:
        """The face that answers one request."""
        return self if request.native is None else ResponsesFace(request.native.body)

    def read_request(self, body: dict[str, Any], headers: Mapping[str, str]) -> ChatRequest:
        """The canonical form, and the caller's own.

        Raises:
            RefusedFieldError: a field that cannot be read or served.
        """
        del headers
        return ChatRequest(Asked(body).body, native=Native(RESPONSES, body))

    def write_answer(self, raw: bytes, *, wire: str, model: str) -> bytes:
        """The answer, naming the model; a canonical one as a response."""
        if wire == RESPONSES:
            return named_answer(orjson.loads(raw), model)
        return from_canonical(raw, model=model, asked=self._asked)

    def writer(self, model: str) -> StreamWriter:
        """Writes events."""
        return ResponsesWriter(model, self._asked)

    def write_error(self, body: bytes, *, status: int) -> bytes:
        """The body as it is: errors have the shape of all of OpenAI's."""
        del status
        return body
