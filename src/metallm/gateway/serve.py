"""Serves the gateway until it is told to stop."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from contextlib import contextmanager
from errno import EADDRINUSE
from typing import TYPE_CHECKING

import uvicorn

from metallm.errors import ConfigurationError
from metallm.gateway.garbage import settle, unsettled_after
from metallm.gateway.heads import BoundedHeads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

FINISH_S = 30
"""Seconds that open requests have to end after a signal."""

BACKLOG = 2048


def serve(
    app: ASGIApp,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    on_ready: Callable[[str, int], None] | None = None,
    beyond_loopback: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM; open requests end first, then the app closes.

    Args:
        app: the gateway.
        host: address or name to listen on.
        port: TCP port; 0 takes a free one.
        on_ready: called with host and port once requests are taken.
        beyond_loopback: whether others than this machine may reach it.

    Raises:
        ConfigurationError: the port is in use, the address is not ours to listen on, or others
            could reach it and may not.
    """
    with bind(host, port) as listener:
        if not (beyond_loopback or is_loopback(listener)):
            raise ConfigurationError(
                f"{host} can be reached from other machines, and there is no key yet: whoever "
                "reaches it could spend yours. Make a key with 'metallm keys add NAME', or listen "
                "on 127.0.0.1"
            )
        taken = listener.getsockname()[1]
        # no logging of uvicorn's own: what matters is logged by the app, on stderr
        config = uvicorn.Config(
            app,
            http=BoundedHeads,
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=FINISH_S,
        )
        with unsettled_after():
            _Server(config, on_ready, host, taken).run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens, so that a port in use is known before anything else is started.

    Args:
        host: IPv4 or IPv6 address, or a name.
        port: TCP port; 0 takes a free one.

    Raises:
        ConfigurationError: the port is in use, or the address is not ours to listen on.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == EADDRINUSE:
            told = (
                f"port {port} on {host} is in use: stop what listens there, "
                "or give another port (0 takes a free one)"
            )
        else:
            told = (
                f"cannot listen on port {port} of {host} ({error.strerror or error}): "
                "give an address of this machine, such as 127.0.0.1, and a port above 1023"
            )
        raise ConfigurationError(told) from error


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach the socket."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


class _Server(uvicorn.Server):
    """Tells when it takes requests; a signal ends it, and not the process around it."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[str, int], None] | None,
        host: str,
        port: int,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._place = (host, port)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        settle()
        if self.started and self._on_ready is not None:
            self._on_ready(*self._place)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal. uvicorn would raise it again, and so kill the process."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self.handle_exit) for each in handled}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
