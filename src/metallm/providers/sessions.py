"""One pool of connections for each event loop, made when it is first needed."""

from __future__ import annotations

import asyncio
import threading

import aiohttp


class Sessions:
    """Client sessions by event loop: a session works in the loop that it was made in alone.

    Args:
        timeout: of every request.
    """

    def __init__(self, timeout: aiohttp.ClientTimeout) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._by_loop: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    def get(self) -> aiohttp.ClientSession:
        """The session of the running loop."""
        loop = asyncio.get_running_loop()
        session = self._by_loop.get(loop)
        if session is None or session.closed:
            session = aiohttp.ClientSession(
                timeout=self._timeout,
                # how many queries run at once is for the gateway to limit, not for the pool
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),  # hosts must not link queries to each other
            )
            with self._lock:
                self._forget_ended_loops()
                self._by_loop[loop] = session
        return session

    async def close(self) -> None:
        """Close every session, those of other running loops in their own loop."""
        with self._lock:
            self._forget_ended_loops()
            sessions, self._by_loop = self._by_loop, {}
        here = asyncio.get_running_loop()
        for loop, session in sessions.items():
            if loop is here or not loop.is_running():
                await session.close()
            else:
                closing = asyncio.run_coroutine_threadsafe(session.close(), loop)
                await asyncio.wrap_future(closing)

    def _forget_ended_loops(self) -> None:
        for loop in [loop for loop in self._by_loop if loop.is_closed()]:
            self._by_loop.pop(loop).detach()  # its connections ended with the loop
