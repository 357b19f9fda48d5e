"""Errors in the wire of the path that was asked, whoever in the gateway tells them.

All of the gateway tells errors in OpenAI's shape; here, outermost, they are told anew where the
path speaks another wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.wires import ANTHROPIC
from metallm.wire.faces import FACES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS: Mapping[str, str] = {
    "/v1/messages": ANTHROPIC,
    "/v1/messages/count_tokens": ANTHROPIC,
}
"""The wire by path, of paths that speak another than OpenAI's."""

REQUEST_ID = b"request-id"
"""Where clients of Anthropic look for the id that others find under x-request-id."""


class Accent:
    """ASGI middleware.

    Args:
        app: what it stands around.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        wire = PATHS.get(scope["path"]) if scope["type"] == "http" else None
        told = send if wire is None else _Translated(send, wire)
        await self._app(scope, receive, told)


class _Translated:
    """Passes an answer on; of an error it keeps the start back until it has the body."""

    def __init__(self, send: Send, wire: str) -> None:
        self._send = send
        self._face = FACES[wire]
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"]]
            headers += [(REQUEST_ID, value) for name, value in headers if name == b"x-request-id"]
            message = {**message, "headers": headers}
            if message["status"] >= 400:
                self._start = message
                return
        elif self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            await self._tell(self._start)
            return
        await self._send(message)

    async def _tell(self, start: Message) -> None:
        body = self._face.write_error(self._body, status=start["status"])
        kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        headers = [*kept, (b"content-length", str(len(body)).encode())]
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
