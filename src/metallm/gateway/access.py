"""Who may come in: every request's key, checked before anything of it is read.

With keys, a path that is not named here takes an admin key: a new endpoint is closed until somebody
says whom it is for.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from metallm.core.key import PREFIX
from metallm.errors import AccessError, KeyRefusedError, NotAllowedError
from metallm.gateway.errors import error_answer
from metallm.gateway.note import KEY as NOTE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from metallm.core.key import Key
    from metallm.gateway.keyring import Keyring
    from metallm.gateway.limits import Limits
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.note import Note

HELD = "metallm.key"
"""Where a request's scope holds its key."""

FOR_ANYBODY = frozenset({"/healthz", "/label"})
"""Paths that tell nothing: whether the gateway is up, and a page that asks for a key itself."""

FOR_KEYS = frozenset(
    {
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/classify"),
        ("POST", "/v1/feedback"),
        ("GET", "/v1/models"),
        ("GET", "/v1/tasks"),
    }
)
FOR_KEYS_BELOW = ("/v1/models/", "/v1/decisions/")
"""What any key may use; all else is for admin keys. Of decisions each sees its own tenant's."""

_IN_URL = PREFIX.encode()


class Access:
    """ASGI middleware.

    Args:
        app: what it stands around.
        keyring: the keys; None for a gateway that never has any.
        limits: how much a key may use in a minute.
        metrics: counts refusals.
        local: while there is no key, answer only to names of this machine, so that no page can
            reach in by a name that it has made to mean it (DNS rebinding).
    """

    def __init__(
        self,
        app: ASGIApp,
        keyring: Keyring | None,
        limits: Limits,
        metrics: Metrics,
        *,
        local: bool = False,
    ) -> None:
        self._app = app
        self._keyring = keyring
        self._limits = limits
        self._metrics = metrics
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or tell why not."""
        if scope["type"] == "http" and scope["path"] not in FOR_ANYBODY:
            try:
                self._admit(scope)
            except AccessError as error:
                self._metrics.refused(error.reason)
                await error_answer(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        keyring = self._keyring
        if keyring is None or not keyring.asks():
            if self._local and not names_this_machine(_host(scope)):
                raise NotAllowedError(
                    "host",
                    "without keys this gateway answers only to names of its own machine, such as "
                    "127.0.0.1: make a key with 'metallm keys add'",
                )
            return
        if _IN_URL in scope["query_string"]:
            raise KeyRefusedError(
                "in_url",
                "a key belongs into the header Authorization, never into a URL, which others log: "
                "give it a new secret with 'metallm keys rotate'",
            )
        key = keyring.find(presented(scope))
        note: Note = scope[NOTE]
        note.key, note.tenant = key.id, key.tenant
        check_place(scope["method"], scope["path"], key)
        limits = self._limits.of(key)
        if limits is not None:
            note.limits = limits
            if scope["method"] == "POST":
                limits.take_request()
        scope[HELD] = key


def key_of(request: Request) -> Key | None:
    """The key that a request came with; None where none is asked for."""
    return request.scope.get(HELD)


def presented(scope: Scope) -> str:
    """The key in a request's headers.

    Raises:
        KeyRefusedError: there is none, or there are two that differ.
    """
    found: set[bytes] = set()
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == b"bearer":
                found.add(token.strip())
        elif name == b"x-api-key":
            found.add(value.strip())
    if not found:
        raise KeyRefusedError(
            "missing",
            "this gateway asks for a key: send it as 'Authorization: Bearer' or x-api-key",
        )
    if len(found) > 1:
        raise KeyRefusedError("ambiguous", "two keys that differ are sent: send one of them")
    return found.pop().decode("latin-1")


def check_place(method: str, path: str, key: Key) -> None:
    """Refuse a path that is not for this key.

    Raises:
        NotAllowedError: it takes an admin key, or is nothing.
    """
    read = method in {"GET", "HEAD"}
    if key.admin or ("GET" if read else method, path) in FOR_KEYS:
        return
    if read and path.startswith(FOR_KEYS_BELOW):
        return
    raise NotAllowedError(
        "not_admin", "this path takes an admin key, or nothing is served there: see the guide"
    )


def names_this_machine(host: str) -> bool:
    """Whether a Host header names this machine to itself."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _host(scope: Scope) -> str:
    found = (value for name, value in scope["headers"] if name == b"host")
    return next(found, b"").decode("latin-1")
