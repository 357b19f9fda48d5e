"""The sandbox: an upstream that answers from recordings, in every wire that callers can speak."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from metallm.core.chance import uniform
from metallm.core.completion import StreamEvent
from metallm.core.query import last_user_text
from metallm.core.wires import ANTHROPIC, OPENAI
from metallm.errors import InputError
from metallm.sandbox.answers import Answers
from metallm.sandbox.lookup import Lookup
from metallm.wire.faces import FACES
from metallm.wire.openai_chat import (
    read_request,
    wants_stream,
    wants_usage,
    write_answer,
    write_model,
    write_models,
)
from metallm.wire.openai_errors import write_error
from metallm.wire.openai_stream import write_chunk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request

    from metallm.core.completion import ChatRequest
    from metallm.sandbox.answers import RecordedAnswer
    from metallm.tables.recordings import Recordings
    from metallm.wire.base import Face

CREATED = 1_700_000_000
"""POSIX seconds in every answer: the same run gives the same bytes."""

PIECES = 4
"""Chunks that a streamed text is cut into, at most."""

EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer that is none: HTTP status, and the error in OpenAI's shape."""

    status: int
    body: bytes


def create_app(
    recordings: Recordings,
    *,
    latency_s: float = 0.0,
    error_rate: float = 0.0,
    seed: int = 0,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Starlette:
    """An ASGI app that answers at the paths of every wire, and lists its models as OpenAI does.

    Args:
        recordings: what is answered from.
        latency_s: seconds before every answer or first chunk.
        error_rate: share of requests that are answered 500 or 429, half and half, 0 to 1.
        seed: of the draw that decides which.
        sleep: waits for some seconds.
    """
    sandbox = _Sandbox(recordings, latency_s, error_rate, seed, sleep)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", partial(sandbox.answer, FACES[OPENAI]), methods=["POST"]),
            Route("/v1/messages", partial(sandbox.answer, FACES[ANTHROPIC]), methods=["POST"]),
            Route(
                "/v1/messages/count_tokens",
                partial(sandbox.count, FACES[ANTHROPIC]),
                methods=["POST"],
            ),
            Route("/v1/models", sandbox.models),
            Route("/v1/models/{name:path}", sandbox.model),
        ]
    )


class _Sandbox:
    def __init__(
        self,
        recordings: Recordings,
        latency_s: float,
        error_rate: float,
        seed: int,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._names = recordings.models
        self._answers = Answers(recordings)
        self._lookup = Lookup(recordings)
        self._latency_s = latency_s
        self._error_rate = error_rate
        self._seed = seed
        self._sleep = sleep
        self._requests = itertools.count()

    async def answer(self, face: Face, request: Request) -> Response:
        """One completion, in the wire of the face."""
        index = next(self._requests)
        found = await self._found(face, request, index)
        if isinstance(found, _Refusal):
            return _told(face, found)
        asked, answer = found
        model = asked.body.get("model")
        named: dict[str, Any] = {
            "answer_id": f"sandbox-{index}",
            "created": CREATED,
            "model": str(model),
        }
        if wants_stream(asked):
            events = _events(answer, named, usage_asked=wants_usage(asked))
            return StreamingResponse(_frames(face, str(model), events), media_type=EVENTS)
        told = write_answer(**named, text=answer.text, usage=answer.usage)
        return _json(face.write_answer(told, wire=OPENAI, model=str(model)))

    async def count(self, face: Face, request: Request) -> Response:
        """How long a request is: as many tokens as its answer is billed for."""
        found = await self._found(face, request, next(self._requests))
        if isinstance(found, _Refusal):
            return _told(face, found)
        return _json(orjson.dumps({"input_tokens": found[1].usage.input_tokens}))

    async def models(self, request: Request) -> Response:
        """All recorded models."""
        del request
        return _json(write_models({name: _owner(name) for name in self._names}, created=CREATED))

    async def model(self, request: Request) -> Response:
        """One recorded model."""
        name = request.path_params["name"]
        column = self._answers.column(name)
        if column is None:
            return _told(FACES[OPENAI], self._no_model(name))
        return _json(write_model(name, created=CREATED, owner=_owner(self._names[column])))

    async def _found(
        self, face: Face, request: Request, index: int
    ) -> tuple[ChatRequest, RecordedAnswer] | _Refusal:
        """What is asked and what was recorded, after a while; or what stands in the way."""
        raw = await request.body()
        if self._latency_s:
            await self._sleep(self._latency_s)
        if (fault := self._fault(index)) is not None:
            return fault
        try:
            asked = face.read_request(dict(read_request(raw).body), request.headers)
            messages = asked.body.get("messages")
            last_user_text(messages if isinstance(messages, list) else [])
        except InputError as error:
            return _refused(400, str(error), param="messages")
        found = self._recorded(asked.body.get("model"), messages)
        return found if isinstance(found, _Refusal) else (asked, found)

    def _fault(self, index: int) -> _Refusal | None:
        """The error that this request is to meet, or None."""
        u = uniform(self._seed, index)
        if u >= self._error_rate:
            return None
        if u < self._error_rate / 2:
            body = write_error("the sandbox failed, as it was told to", kind="server_error")
            return _Refusal(500, body)
        body = write_error(
            "the sandbox limits you, as it was told to",
            kind="rate_limit_error",
            code="rate_limit_exceeded",
        )
        return _Refusal(429, body)

    def _recorded(self, model: object, messages: Any) -> RecordedAnswer | _Refusal:
        column = self._answers.column(model) if isinstance(model, str) else None
        if column is None:
            return self._no_model(model)
        query = self._lookup.find(messages)
        if query is None:
            return _refused(
                404,
                "no recorded query is in these messages: the sandbox only answers what was "
                "recorded, word for word",
                param="messages",
                code="query_not_recorded",
            )
        answer = self._answers.answer(query, column, messages)
        if answer is None:
            return _refused(
                404,
                f"the recording holds no answer of {model} to this query, neither its text nor "
                "a score with a reference",
                param="model",
                code="answer_not_recorded",
            )
        return answer

    def _no_model(self, name: object) -> _Refusal:
        told = f"no recorded model is called {name!r}; GET /v1/models lists them"
        return _refused(404, told, param="model", code="model_not_found")


def _events(
    answer: RecordedAnswer, named: dict[str, Any], *, usage_asked: bool
) -> Iterator[StreamEvent]:
    """The answer as events of the canonical wire."""
    first = {"role": "assistant", "content": ""}
    yield StreamEvent(write_chunk(**named, delta=first))
    size = max(1, -(-len(answer.text) // PIECES))
    for start in range(0, len(answer.text), size):
        piece = answer.text[start : start + size]
        yield StreamEvent(write_chunk(**named, delta={"content": piece}))
    yield StreamEvent(write_chunk(**named, finish_reason="stop"))
    usage = answer.usage
    yield StreamEvent(write_chunk(**named, usage=usage), "", usage, only_usage=not usage_asked)


async def _frames(face: Face, model: str, events: Iterator[StreamEvent]) -> AsyncIterator[bytes]:
    """Events as the face's callers read them."""
    writer = face.writer(model)
    for event in events:
        if frames := writer.event(event):
            yield frames
    yield writer.end()


def _owner(name: str) -> str:
    return name.partition("/")[0]


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _told(face: Face, refusal: _Refusal) -> Response:
    return _json(face.write_error(refusal.body, status=refusal.status), refusal.status)


def _refused(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> _Refusal:
    body = write_error(message, kind="invalid_request_error", param=param, code=code)
    return _Refusal(status, body)
