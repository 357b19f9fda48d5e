"""Serves the sandbox until it is interrupted."""

from __future__ import annotations

import socket
from errno import EADDRINUSE
from typing import TYPE_CHECKING

import uvicorn

from metallm.errors import ConfigurationError
from metallm.sandbox.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metallm.tables.recordings import Recordings


def serve(
    recordings: Recordings,
    host: str = "127.0.0.1",
    port: int = 9100,
    *,
    latency_s: float = 0.0,
    error_rate: float = 0.0,
    seed: int = 0,
    faults: Mapping[str, float] | None = None,
    slow_s: float = 5.0,
    retry_after_s: int = 0,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve recordings until the process is interrupted.

    Args:
        recordings: what is answered from.
        host: address to listen on.
        port: TCP port; 0 takes a free one.
        latency_s: seconds before every answer.
        error_rate: share of requests that fail on purpose, 0 to 1.
        seed: of the draw that decides which.
        faults: share of requests by the fault that they meet, a name in `faults.FAULTS`.
        slow_s: seconds that the fault "slow" waits.
        retry_after_s: seconds that answers 429 ask to wait.
        ready: called with the API's base URL once the port is ours; connections wait from then.

    Raises:
        ConfigurationError: the port is in use, or the address is not ours to listen on; an unknown
            fault, or shares of them that come to more than 1.
    """
    app = create_app(
        recordings,
        latency_s=latency_s,
        error_rate=error_rate,
        seed=seed,
        faults=faults,
        slow_s=slow_s,
        retry_after_s=retry_after_s,
    )
    with bind(host, port) as listener:
        if ready is not None:
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{listener.getsockname()[1]}/v1")
        config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none")
        uvicorn.Server(config).run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: IPv4 or IPv6 address, or a name.
        port: TCP port; 0 takes a free one.

    Raises:
        ConfigurationError: the port is in use, or the address is not ours to listen on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == EADDRINUSE:
            told = f"port {port} on {host} is in use: stop what listens there, or give another port"
        else:
            told = f"cannot listen on port {port} of {host}: {error.strerror or error}"
        raise ConfigurationError(told) from error
