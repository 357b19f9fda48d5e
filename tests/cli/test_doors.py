from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metallm.cli.doors import Answered, GatewayDoor, RowFailedError
from metallm.cli.guard import WorkFailedError
from servers import running


def _always(status: int, body: bytes) -> Starlette:
    async def answer(_: Request) -> Response:
        return Response(body, status)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


async def _with_door(url: str, use: Callable[[GatewayDoor], Awaitable[Any]]) -> Any:
    door = GatewayDoor(url, ["a", "b"], "tickets")
    try:
        return await use(door)
    finally:
        await door.close()


def _run(app: Any, use: Callable[[GatewayDoor], Awaitable[Any]]) -> Any:
    import asyncio

    with running(app) as url:
        return asyncio.run(_with_door(f"{url}/v1/", use))


def test_text_labels_and_task_are_sent_and_the_answer_is_read() -> None:
    asked: list[Any] = []

    async def answer(request: Request) -> Response:
        asked.append((request.url.path, orjson.loads(await request.body())))
        told = {"label": None, "arm": "x", "cost_usd": None, "decision_id": "dec_1", "text": "?"}
        return Response(orjson.dumps(told))

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    assert _run(app, lambda door: door.ask("t")) == Answered(None, "x", None, "dec_1")
    assert asked == [("/v1/classify", {"text": "t", "labels": ["a", "b"], "task": "tickets"})]


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
