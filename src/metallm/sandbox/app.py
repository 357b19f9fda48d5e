"""The sandbox: an upstream that answers from recordings, in every wire, with faults on demand.

Embeddings are not recorded: it makes some up.
"""

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

from metallm.core.query import last_user_text
from metallm.core.wires import OPENAI
from metallm.errors import InputError
from metallm.sandbox.answers import Answers
from metallm.sandbox.doors import DOORS, Door, error_headers, read_body, unsigned
from metallm.sandbox.embedding import Wanted
from metallm.sandbox.faults import ERROR, NO_USAGE, RATE_LIMIT, SLOW, Faults, shortened
from metallm.sandbox.lookup import Lookup
from metallm.sandbox.telling import CREATED, Found, streamed, whole
from metallm.wire.base import AnsweringFace
from metallm.wire.faces import FACES
from metallm.wire.openai_chat import read_request, wants_stream, write_model, write_models
from metallm.wire.openai_errors import write_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from metallm.sandbox.answers import RecordedAnswer
    from metallm.tables.recordings import Recordings
    from metallm.wire.base import Face


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
    faults: Mapping[str, float] | None = None,
    slow_s: float = 5.0,
    retry_after_s: int = 0,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Starlette:
    """An ASGI app that answers at the paths of every wire, and lists its models as OpenAI does.

    Args:
        recordings: what is answered from.
        latency_s: seconds before every answer or first chunk.
        error_rate: share of requests that are answered 500 or 429, half and half, 0 to 1.
        seed: of the draw that decides which.
        faults: share of requests by the fault that they meet, a name in `faults.FAULTS`.
        slow_s: seconds that the fault "slow" waits.
        retry_after_s: seconds that answers 429 ask to wait.
        sleep: waits for some seconds.

    Raises:
        ConfigurationError: an unknown fault, or shares that come to more than 1.
    """
    half = {ERROR: error_rate / 2, RATE_LIMIT: error_rate / 2} if error_rate else {}
    drawn = Faults({**half, **(faults or {})}, seed)
    sandbox = _Sandbox(recordings, drawn, latency_s, slow_s, retry_after_s, sleep)
    return Starlette(
        routes=[
            *(Route(door.path, partial(sandbox.answer, door), methods=["POST"]) for door in DOORS),
            Route("/v1/embeddings", sandbox.embed, methods=["POST"]),
            Route("/v1/models", sandbox.models),
            Route("/v1/models/{name:path}", sandbox.model),
        ]
    )


class _Sandbox:
    def __init__(
        self,
        recordings: Recordings,
        faults: Faults,
        latency_s: float,
        slow_s: float,
        retry_after_s: int,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._names = recordings.models
        self._answers = Answers(recordings)
        self._lookup = Lookup(recordings)
        self._faults = faults
        self._latency_s = latency_s
        self._slow_s = slow_s
        self._retry_after_s = retry_after_s
        self._sleep = sleep
        self._requests = itertools.count()

    async def answer(self, door: Door, request: Request) -> Response:
        """One completion, or the length of a request, in the wire of the door."""
        index, face = next(self._requests), FACES[door.wire]
        found = await self._found(door, face, request, self._faults.of(index))
        if isinstance(found, _Refusal):
            return self._told(face, found)
        if door.counted is not None:  # as many tokens as its answer is billed for
            return _json(orjson.dumps({door.counted: found.answer.usage.input_tokens}))
        if isinstance(face, AnsweringFace):
            face = face.answering(found.request)
        if wants_stream(found.request):
            frames = streamed(face, found, index=index)
            return StreamingResponse(frames, media_type=door.media_type)
        return _json(whole(face, found, index=index))

    async def embed(self, request: Request) -> Response:
        """Embeddings, by a model of any name: none is recorded."""
        fault, raw = self._faults.of(next(self._requests)), await request.body()
        refusal = await self._delayed(fault)
        if refusal is not None:
            return self._told(FACES[OPENAI], refusal)
        try:
            told = Wanted.read(read_request(raw).body).answer(usage=fault != NO_USAGE)
        except InputError as error:
            return self._told(FACES[OPENAI], _refused(400, str(error)))
        return _json(shortened(told, fault))

    async def models(self, request: Request) -> Response:
        """All recorded models."""
        del request
        return _json(write_models({name: _owner(name) for name in self._names}, created=CREATED))

    async def model(self, request: Request) -> Response:
        """One recorded model."""
        name = request.path_params["name"]
        column = self._answers.column(name)
        if column is None:
            return self._told(FACES[OPENAI], self._no_model(name))
        return _json(write_model(name, created=CREATED, owner=_owner(self._names[column])))

    async def _found(
        self, door: Door, face: Face, request: Request, fault: str | None
    ) -> Found | _Refusal:
        """What is asked and what was recorded, after a while; or what stands in the way."""
        raw = await request.body()
        refusal = await self._delayed(fault)
        if refusal is not None:
            return refusal
        if (problem := unsigned(door, request, raw)) is not None:
            return _Refusal(403, write_error(problem, kind="authentication_error"))
        try:
            asked = face.read_request(read_body(door, request, raw), request.headers)
            messages = asked.body.get("messages")
            last_user_text(messages if isinstance(messages, list) else [])
        except InputError as error:
            return _refused(400, str(error), param="messages")
        found = self._recorded(asked.body.get("model"), messages)
        return found if isinstance(found, _Refusal) else Found(asked, found, fault)

    async def _delayed(self, fault: str | None) -> _Refusal | None:
        """Wait as long as it is to take; the refusal, where the fault is one."""
        wait_s = self._latency_s + (self._slow_s if fault == SLOW else 0.0)
        if wait_s:
            await self._sleep(wait_s)
        return _REFUSALS.get(fault)

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

    def _told(self, face: Face, refusal: _Refusal) -> Response:
        headers = error_headers(face.name, refusal.status)
        if refusal.status == 429:
            headers["Retry-After"] = str(self._retry_after_s)
        body = face.write_error(refusal.body, status=refusal.status)
        return Response(body, refusal.status, headers, "application/json")


_REFUSALS: Mapping[str | None, _Refusal] = {
    ERROR: _Refusal(500, write_error("the sandbox failed, as it was told to", kind="server_error")),
    RATE_LIMIT: _Refusal(
        429,
        write_error(
            "the sandbox limits you, as it was told to",
            kind="rate_limit_error",
            code="rate_limit_exceeded",
        ),
    ),
}


def _owner(name: str) -> str:
    return name.partition("/")[0]


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _refused(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> _Refusal:
    body = write_error(message, kind="invalid_request_error", param=param, code=code)
    return _Refusal(status, body)
