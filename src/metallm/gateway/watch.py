"""Stands around every request: its id, its log line, its counts, and the errors nobody foresaw."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from metallm.core.key import redacted
from metallm.gateway.errors import internal_answer
from metallm.gateway.note import KEY, Note
from metallm.providers.passed import pass_on

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from metallm.gateway.logs import Log
    from metallm.gateway.metrics import Metrics

MAX_PATH_CHARACTERS = 200


class Watch:
    """ASGI middleware.

    Args:
        app: what it stands around.
        metrics: counts the requests.
        log: gets one line a request; never a text or a key.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, log: Log) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note = scope[KEY] = Note.of_scope(scope)
        # one id in our log, our answer, and the logs of hosts
        pass_on(note.ids_for_hosts())

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                note.status = message["status"]
                message["headers"].append((b"x-request-id", note.request_id.encode()))
                if note.limits is not None:
                    message["headers"].extend(note.limits.headers())
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            pass  # nobody is left to be told
        except Exception as error:  # noqa: BLE001 - this is where they end; logged with their place
            tell_internal(self._log, note, error)
            if not note.status:
                await internal_answer(note.request_id)(scope, receive, noted)
        finally:
            self._metrics.answered_request(note)
            self._log.info(
                "request",
                method=scope["method"],
                path=redacted(scope["path"])[:MAX_PATH_CHARACTERS],
                status=note.status or None,
                ms=round(note.elapsed_s() * 1000, 3),
                request_id=note.request_id,
                decision_id=note.decision_id,
                arm=note.arm,
                key=note.key,
                tenant=note.tenant,
            )


def tell_internal(log: Log, note: Note, error: Exception) -> None:
    """Log an error that nobody foresaw: its class and place, not its words, which may quote."""
    log.error(
        "internal error",
        request_id=note.request_id,
        error=type(error).__name__,
        trace="".join(traceback.format_tb(error.__traceback__)),
    )
