"""Servers for tests: any ASGI app on a free loopback port, and one that says raw bytes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    """Tells when it takes connections, and ends when it is told to: nobody has to poll.

    uvicorn looks every tenth of a second whether it is to end, and then waits a tenth for
    connections to close. That is nothing for a server, and minutes for hundreds of tests.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self.settled.set()

    def end(self) -> None:
        """Have it end. From any thread, once it has settled."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if open_requests := set(self.server_state.tasks):
            patience_s = self.config.timeout_graceful_shutdown
            _, late = await asyncio.wait(open_requests, timeout=patience_s)
            for task in late:
                task.cancel()
        await self.lifespan.shutdown()


@contextmanager
def running(app: Any, **options: Any) -> Iterator[str]:
    """Run an ASGI app with uvicorn in a thread; gives its base URL, such as http://127.0.0.1:5.

    Requests that are still open when the block ends are cut after a second. Options are uvicorn's.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1, **options
    )
    server = _Server(config)

    def serve() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            server.settled.set()

    thread = threading.Thread(target=serve, name="test-server")
    thread.start()
    try:
        assert server.settled.wait(20), "the server did not start"
        assert server.started, "the server failed to start"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.end()
        thread.join(20)
        listener.close()
    assert not thread.is_alive(), "the server did not stop"


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Says something to a client after its request was read; the connection is closed after it."""


class RawUpstream:
    """What `raw_upstream` gives.

    Args:
        base_url: root of the API.
        requests: head and body of each request, as they came.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.requests: list[tuple[bytes, bytes]] = []


@asynccontextmanager
async def raw_upstream(talks: Sequence[bytes | Talk]) -> AsyncIterator[RawUpstream]:
    """A server in the running loop that answers its n-th request with the n-th of `talks`."""
    upstream = RawUpstream("")
    left = iter(talks)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            upstream.requests.append((head, await reader.readexactly(length)))
            talk = next(left)
            if isinstance(talk, bytes):
                writer.write(talk)
                await writer.drain()
            else:
                await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away: a test may want just that
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    upstream.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield upstream
    finally:
        server.close()
        await server.wait_closed()


def answered(status: int, body: bytes, *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def streamed(*pieces: bytes, end: bool = True) -> bytes:
    """A chunked HTTP answer; without its end it reads as a connection that broke."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    return head + chunked(*pieces, end=end)


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    """The body of a chunked HTTP answer, or more of it."""
    body = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return body + (b"0\r\n\r\n" if end else b"")
