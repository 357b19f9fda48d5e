"""Tasks that a gateway declares, as `metallm classify --gateway` finds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metallm.cli.gateway_client import declared_tasks, root_of
from metallm.cli.guard import WorkFailedError
from metallm.core.task import Task
from metallm.errors import ConfigurationError
from servers import running

TASKS = {
    "object": "list",
    "data": [
        {"name": "teams", "kind": "single", "labels": ["a", "b"], "descriptions": {"a": "first"}},
        {"name": "topics", "kind": "multi", "labels": ["x", "y", "z"], "descriptions": {}},
    ],
}


class _Gateway:
    """As much of a gateway as a job needs."""

    def __init__(self, tasks: bytes, status: int = 200) -> None:
        self._tasks = tasks
        self._status = status
        self.asked: list[dict[str, Any]] = []
        self.judged: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/tasks", self._told),
                Route("/v1/classify", self._answer, methods=["POST"]),
                Route("/v1/feedback", self._judge, methods=["POST"]),
            ]
        )

    async def _told(self, request: Request) -> Response:
        self.keys.append(request.headers.get("authorization"))
        return Response(self._tasks, self._status)

    async def _answer(self, request: Request) -> Response:
        self.asked.append(orjson.loads(await request.body()))
        told = {"label": ["y", "x"], "arm": "sim/a", "cost_usd": 0.1, "decision_id": "dec_1"}
        return Response(orjson.dumps({**told, "confidence": None, "calls": []}))

    async def _judge(self, request: Request) -> Response:
        self.judged.append(orjson.loads(await request.body()))
        return Response(b"{}")


def test_a_gateway_tells_the_tasks_that_it_declares() -> None:
    with running(_Gateway(orjson.dumps(TASKS)).app) as url:
        found = declared_tasks(f"{url}/v1")
    assert found == {
        "teams": Task("teams", "single", {"a": "first", "b": ""}),
        "topics": Task("topics", "multi", ["x", "y", "z"]),
    }


@pytest.mark.parametrize(
    ("tasks", "status", "told"),
    [
        (b"{}", 200, "does not answer as a gateway of ours"),
        (b'{"data": [{"name": "x", "kind": "odd", "labels": []}]}', 200, "gateway of ours"),
        (b'{"error": {"message": "no such key"}}', 401, "refused: no such key"),
    ],
)
def test_whatever_else_answers_is_told(tasks: bytes, status: int, told: str) -> None:
    with running(_Gateway(tasks, status).app) as url, pytest.raises(WorkFailedError, match=told):
        declared_tasks(url)


def test_only_a_url_is_a_gateway() -> None:
    assert root_of("http://x:1/v1") == root_of("http://x:1/") == "http://x:1"
    with pytest.raises(ConfigurationError, match="takes a URL"):
        root_of("x:1")


def test_a_job_asks_by_the_name_of_a_task_that_the_gateway_declares(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    data = tmp_path / "in.jsonl"
    data.write_text('{"body": "one", "tags": ["Y", "x"]}\n')
    gateway = _Gateway(orjson.dumps(TASKS))
    with running(gateway.app) as url:
        arguments = ("classify", data, "--text", "body", "--gateway", url, "--truth", "tags")
        done = run(*arguments, "--task", "topics", "--json")
        assert done.exit_code == 0, done.output
        other = run(*arguments, "--task", "other")
    assert json.loads(done.stdout)["accuracy"] == 1.0
    assert gateway.asked == [{"text": "one", "task": "topics"}]
    assert gateway.judged == [{"decision_id": "dec_1", "label": "x | y"}]
    assert other.exit_code == 2
    assert "no task 'other' is declared, so that --labels must name its labels" in other.stderr
    assert "declared are: teams, topics" in other.stderr


def test_a_key_of_the_gateway_is_sent_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = _Gateway(orjson.dumps(TASKS))
    with running(gateway.app) as url:
        declared_tasks(url)
        monkeypatch.setenv("METALLM_API_KEY", " a-key ")
        declared_tasks(url)
    assert gateway.keys == [None, "Bearer a-key"]
