"""An upstream of one's own for tests of the command line: it notes what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metallm.core.price import Usage
from metallm.wire.openai_chat import write_answer
from servers import running

Said = tuple[str, Usage | None] | int
"""A text with what it is billed, or an HTTP status of a failure."""


class Upstream:
    """Answers as a function says, and keeps every request's body.

    Args:
        say: gives the answer to a request's body.
    """

    def __init__(self, say: Callable[[Mapping[str, Any]], Said]) -> None:
        self._say = say
        self.asked: list[dict[str, Any]] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve; gives the base URL of the API."""
        route = Route("/v1/chat/completions", self._answer, methods=["POST"])
        with running(Starlette(routes=[route])) as url:
            yield f"{url}/v1"

    async def _answer(self, request: Request) -> Response:
        body = orjson.loads(await request.body())
        self.asked.append(body)
        said = self._say(body)
        if isinstance(said, int):
            return Response(b'{"error": {"message": "no"}}', said)
        text, usage = said
        return Response(
            write_answer(answer_id="x", created=0, model=body["model"], text=text, usage=usage)
        )


def question(body: Mapping[str, Any]) -> str:
    """What the last message of a request asks."""
    return str(body["messages"][-1]["content"])
