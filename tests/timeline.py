"""Time that passes when nobody has anything else to do: for tests of what waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

LOOK_S, LOOKS = 0.005, 2000
"""Real seconds that something else than time, such as a disk, is waited for, and how often."""

TURNS = 40
"""Turns of the loop without which whatever is under way waits for time."""


class Timeline:
    """A clock, and a sleep by it.

    Attributes:
        now: seconds since its start.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def __call__(self) -> float:
        """The time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait, in this time."""
        waker = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (self.now + seconds, next(self._numbers), waker))
        await waker

    async def through(self, work: Coroutine[Any, Any, T]) -> T:
        """Have work done to its end, time passing whenever all of it waits.

        Raises:
            AssertionError: it waits for something that no time brings.
        """
        task, looks = asyncio.ensure_future(work), 0
        while not await self._done(task):
            waker = self._next()
            if waker is not None:
                waker.set_result(None)
                continue
            looks += 1
            assert looks < LOOKS, "all wait, and none of them for time"
            await asyncio.wait([task], timeout=LOOK_S)  # for a disk, say
        return task.result()

    def _next(self) -> asyncio.Future[None] | None:
        """Whoever wakes first, at whose time it is then; None where nobody sleeps."""
        while self._waiting:
            at, _, waker = heappop(self._waiting)
            if not waker.done():
                self.now = at
                return waker
        return None

    async def _done(self, task: asyncio.Task[T]) -> bool:
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if task.done():
                return True
        return False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """As `through`, in a loop of its own."""
        return asyncio.run(self.through(work))
