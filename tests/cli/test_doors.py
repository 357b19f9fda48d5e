from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metallm.cli.doors import Answered, RowFailedError, Said
from metallm.cli.gateway_door import GatewayDoor
from metallm.cli.guard import WorkFailedError
from metallm.cli.question import Question, question_of
from metallm.core.task import Task
from servers import running


def _always(status: int, body: bytes) -> Starlette:
    async def answer(_: Request) -> Response:
        return Response(body, status)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


TICKETS = question_of("a,b", "tickets", {})


async def _with_door(
    url: str, use: Callable[[GatewayDoor], Awaitable[Any]], question: Question
) -> Any:
    door = GatewayDoor(url, question)
    try:
        return await use(door)
    finally:
        await door.close()


def _run(
    app: Any, use: Callable[[GatewayDoor], Awaitable[Any]], question: Question = TICKETS
) -> Any:
    import asyncio

    with running(app) as url:
        return asyncio.run(_with_door(f"{url}/v1/", use, question))


def test_text_labels_and_task_are_sent_and_the_answer_is_read() -> None:
    asked: list[Any] = []

    async def answer(request: Request) -> Response:
        asked.append((request.url.path, orjson.loads(await request.body())))
        told = {"label": None, "arm": "x", "cost_usd": None, "decision_id": "dec_1", "text": "?"}
        return Response(orjson.dumps(told))

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    assert _run(app, lambda door: door.ask("t")) == Answered(None, "x", None, "dec_1")
    assert asked == [("/v1/classify", {"text": "t", "labels": ["a", "b"], "task": "tickets"})]


def test_a_declared_task_is_asked_by_its_name_and_several_labels_are_joined() -> None:
    asked: list[Any] = []

    async def answer(request: Request) -> Response:
        asked.append(orjson.loads(await request.body()))
        calls = [{"arm": "x", "label": ["b", "a"]}, {"arm": "y", "label": None}]
        told = {"label": ["b", "a"], "arm": "x", "cost_usd": 0.1, "decision_id": "d"}
        return Response(orjson.dumps({**told, "calls": calls, "confidence": 0.5}))

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    topics = Task("topics", "multi", ["a", "b", "c"])
    found = _run(app, lambda door: door.ask("t"), question_of(None, "topics", {"topics": topics}))
    calls = (Said("x", "a | b"), Said("y", None))
    assert found == Answered("a | b", "x", 0.1, "d", 0.5, calls)
    assert asked == [{"text": "t", "task": "topics"}]


@pytest.mark.parametrize("status", [400, 429, 502, 503])
def test_a_row_that_failed_is_told_with_the_gateways_words(status: int) -> None:
    app = _always(status, b'{"error": {"message": "no arm answered"}}')
    with pytest.raises(RowFailedError, match="no arm answered"):
        _run(app, lambda door: door.ask("t"))


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, b"nothing", "refused: HTTP status 404"),
        (401, b'{"error": {"message": "no key"}}', "refused: no key"),
        (200, b"<html>", "does not answer as a gateway of ours"),
        (200, b"{}", "does not answer as a gateway of ours"),
    ],
)
def test_what_every_row_would_meet_ends_the_work(status: int, body: bytes, told: str) -> None:
    with pytest.raises(WorkFailedError, match=told):
        _run(_always(status, body), lambda door: door.ask("t"))


def test_feedback_that_is_not_taken_ends_the_work() -> None:
    app = _always(503, b'{"error": {"message": "the log is full"}}')
    with pytest.raises(WorkFailedError, match="did not take feedback: the log is full"):
        _run(app, lambda door: door.judge("dec_1", "a"))
