"""GET /v1/queue: the classifications whose true labels teach most; GET /label: a page for them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import HTMLResponse, Response

from metallm.gateway.errors import JSON
from metallm.gateway.note import note_of
from metallm.gateway.reading import FieldError
from metallm.router.labelling import LOOK_AT, likely_by, queue, unlabelled

if TYPE_CHECKING:
    from starlette.requests import Request

    from metallm.router.engine import Engine
    from metallm.router.labelling import Waiting

USUAL, MOST = 30, 500
"""Places of a queue where the caller says nothing, and at most."""


class Queue:
    """What waits for a label.

    Args:
        engine: reads the log, and knows what is likely.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._page = files("metallm.gateway").joinpath("label.html").read_text(encoding="utf-8")
        self._headers = {
            "Content-Security-Policy": _policy(self._page),
            "Cache-Control": "no-store",
        }

    async def all(self, request: Request) -> Response:
        """The worthiest first; `task` and `n` in the query string."""
        note_of(request, "queue")
        task, count = request.query_params.get("task"), _count(request)
        # thousands of decisions are looked at: not between two turns of the event loop
        chosen = await asyncio.to_thread(self._chosen, task, count)
        return Response(orjson.dumps({"object": "list", "data": chosen}), media_type=JSON)

    async def page(self, request: Request) -> Response:
        """A page where a person labels them, one key a text."""
        note_of(request, "label")
        return HTMLResponse(self._page, headers=self._headers)

    def _chosen(self, task: str | None, count: int) -> list[dict[str, Any]]:
        found = unlabelled(self._engine.recent(LOOK_AT))
        waiting = [each for each in found if task is None or each.first.task == task]
        likely = likely_by(self._engine)
        return [_told(each.waiting) for each in queue(waiting, likely, count)]


def _told(waiting: Waiting) -> dict[str, Any]:
    first = waiting.first
    return {
        "decision_id": first.id,
        "task": first.task,
        "labels": list(first.labels),
        "text": first.text,  # null where prompts are not logged
        "said": [{"arm": each.arm, "label": each.label} for each in waiting.said],
    }


def _count(request: Request) -> int:
    told = request.query_params.get("n", str(USUAL))
    if not told.isdecimal() or not 1 <= int(told) <= MOST:
        raise FieldError("n", f"must be a whole number from 1 to {MOST}")
    return int(told)


def _policy(page: str) -> str:
    """What the page may do: its own script and style, and calls to where it came from."""
    parts = {
        name: b64encode(sha256(_between(page, name).encode()).digest()).decode()
        for name in ("script", "style")
    }
    return (
        f"default-src 'none'; script-src 'sha256-{parts['script']}'; "
        f"style-src 'sha256-{parts['style']}'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def _between(page: str, name: str) -> str:
    return page.split(f"<{name}>")[1].split(f"</{name}>", maxsplit=1)[0]
