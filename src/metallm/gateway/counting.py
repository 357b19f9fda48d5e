"""POST /v1/messages/count_tokens: how long a request is, without an answer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.core.query import CHARACTERS_PER_TOKEN, message_text
from metallm.core.wires import ANTHROPIC
from metallm.errors import ProviderError
from metallm.gateway.access import key_of
from metallm.gateway.asking import EXTENSION
from metallm.gateway.errors import JSON
from metallm.gateway.note import note_of
from metallm.gateway.presence import while_present
from metallm.gateway.reading import FieldError, read_body, text_field
from metallm.wire.faces import FACES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from metallm.core.completion import ChatRequest
    from metallm.gateway.naming import Names
    from metallm.gateway.permits import Permits
    from metallm.router.caller import Caller

ESTIMATED = {"x-metallm-tokens-estimated": "true"}


class Counting:
    """Asks a named arm whose host counts; guesses otherwise, and says so in a header.

    Args:
        caller: asks arms.
        names: finds what is meant by a model.
        permits: whom a client may ask.
        max_body_bytes: of a request.
    """

    def __init__(self, caller: Caller, names: Names, permits: Permits, max_body_bytes: int) -> None:
        self._caller = caller
        self._max_body_bytes = max_body_bytes
        self._names = names
        self._permits = permits

    async def count(self, request: Request) -> Response:
        """One count."""
        note = note_of(request, "count_tokens")
        body = await read_body(request, self._max_body_bytes)
        body.pop(EXTENSION, None)
        model = text_field(body, "model")
        if model is None:
            raise FieldError("model", "is missing: name an arm, or 'auto' for a guess")
        meant = self._names.meaning(model)
        self._permits.check(key_of(request), model, meant)
        note.arm = meant.arm
        asked = FACES[ANTHROPIC].read_request(body, request.headers)
        tokens = await while_present(request.receive, self._counted(note.arm, asked))
        told: Mapping[str, str] = {}
        if tokens is None:
            tokens, told = guessed_tokens(asked.body), ESTIMATED
        return Response(orjson.dumps({"input_tokens": tokens}), 200, told, JSON)

    async def _counted(self, arm: str | None, asked: ChatRequest) -> int | None:
        """The arm's own count; None where it has none, or cannot be asked: a guess will do."""
        if arm is None:
            return None
        try:
            return await self._caller.count_tokens(arm, asked)
        except ProviderError:
            return None


def guessed_tokens(body: Mapping[str, Any]) -> int:
    """A guess of a canonical request's tokens, by its characters; images count nothing."""
    characters = 0
    for message in body["messages"]:
        characters += len(message_text(message))
        characters += len(orjson.dumps(message.get("tool_calls") or ""))
    characters += len(orjson.dumps(body.get("tools") or ""))
    return max(1, round(characters / CHARACTERS_PER_TOKEN))
