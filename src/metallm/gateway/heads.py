"""Bounds a request's head: uvicorn reads headers of any length, from anybody, for any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MAX_BYTES = 64 * 2**10
"""Of the request line and headers; what came with the last read may go beyond."""

_TOO_LARGE = b"431 Request Header Fields Too Large"
_TOO_SLOW = b"408 Request Timeout"


class BoundedHeads(HttpToolsProtocol):
    """A connection on which a head is refused that grows too long or takes too long.

    Attributes:
        head_s: seconds that a head may take.
    """

    head_s = 20.0

    _head_bytes: int | None = 0
    """Of the head that is being read; None while there is none."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a first head."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.head_s, self._refuse, _TOO_SLOW)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect no more."""
        self._met()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that is still going on is bounded."""
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_BYTES:
                self._refuse(_TOO_LARGE)
            elif self._deadline is None and self._head_bytes:
                self._deadline = self.loop.call_later(self.head_s, self._refuse, _TOO_SLOW)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It is over."""
        self._head_bytes = None
        self._met()
        super().on_headers_complete()

    def _met(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: bytes) -> None:
        self._met()
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status
            )
            self.transport.close()
