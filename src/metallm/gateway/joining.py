"""Pieces of an answer on their way: those that come while others are sent go out together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

MOST_BYTES = 64 * 2**10
"""What may wait: a client that reads slowly holds the arm's stream back, and costs no memory."""


async def joined(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in fewer pieces, none of them held back.

    Arms send many small events, and several are read from the network at once. Each that is sent
    by itself costs a call of the system and the way through the server.

    Args:
        pieces: taken in a task of its own, which has ended when this generator has.

    Raises:
        Exception: what `pieces` raises, after all that came before it.
    """
    gathered = _Gathered()
    filling = asyncio.create_task(gathered.fill(pieces))
    try:
        while not gathered.over:
            if piece := await gathered.take():
                yield piece
        await filling
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


class _Gathered:
    """What waits to be sent."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._ended = False
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether nothing waits, and nothing more will come."""
        return self._ended and not self._pieces

    async def fill(self, pieces: AsyncIterator[bytes]) -> None:
        """Put in what comes, as long as there is room."""
        try:
            async for piece in pieces:
                self._pieces.append(piece)
                self._bytes += len(piece)
                self._filled.set()
                if self._bytes >= MOST_BYTES:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._ended = True
            self._filled.set()

    async def take(self) -> bytes:
        """All that waits, once there is anything; b"" where the end came instead."""
        if not self._pieces and not self._ended:
            await self._filled.wait()
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._bytes = 0
        self._filled.clear()
        self._room.set()
        return taken
