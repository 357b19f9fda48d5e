"""Refuse what a page of somebody else's site sends through a visitor's browser.

A gateway on loopback is open to the programs of its machine, and a browser is one of them: any site
could have it post here, and spend money. Browsers say where such a request comes from (Origin,
RFC 6454); programs send no such header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import Response

from metallm.gateway.errors import JSON
from metallm.wire.openai_errors import write_error

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send


class SameOrigin:
    """ASGI middleware.

    Args:
        app: what it stands around.
        allowed: other sites whose pages may ask, such as "https://app.example.org".
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless a foreign page sent it."""
        if scope["type"] == "http":
            origin = host = b""
            for name, value in scope["headers"]:
                if name == b"origin":
                    origin = value
                elif name == b"host":
                    host = value
            if origin and not self._may(origin.decode("latin-1"), host.decode("latin-1")):
                await _refused()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _may(self, origin: str, host: str) -> bool:
        try:
            return origin in self._allowed or urlsplit(origin).netloc == host
        except ValueError:
            return False


def _refused() -> Response:
    told = (
        "this request comes from another site's page, which may not ask here: name the site in "
        "gateway.origins to allow it"
    )
    body = write_error(told, kind="invalid_request_error", code="foreign_origin")
    return Response(body, 403, {"x-should-retry": "false"}, JSON)
