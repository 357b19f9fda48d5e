"""Leave arms out of the choice while they rest or are full, and queue for one that has no other."""

from __future__ import annotations

import asyncio
import time
from types import AsyncGeneratorType
from typing import TYPE_CHECKING

from metallm.core.protocols import CountsTokens
from metallm.errors import ProviderRateLimitError
from metallm.providers.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Completion, StreamEvent
    from metallm.core.protocols import Provider
    from metallm.errors import ProviderError


class RestingProvider:
    """Knows how each arm does. For one event loop.

    An arm that failed several times in a row, said 429, or has as many calls in flight as it may is
    no choice for the next query, unless none other is: then it is asked, or waited for. What it
    does not answer says nothing of its quality, and nothing is learned of it.

    Args:
        inner: makes the calls.
        clock: seconds that only ever grow.
    """

    def __init__(self, inner: Provider, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._clock = clock
        self._health: dict[str, Health] = {}
        self._room: dict[str, asyncio.Semaphore] = {}

    def resting(self) -> dict[str, float]:
        """Seconds that arms rest still, by name; those that may be asked are left out."""
        now = self._clock()
        told = ((name, each.resting_s(now)) for name, each in self._health.items())
        return {name: seconds for name, seconds in told if seconds > 0.0}

    def failed(self, error: ProviderError) -> None:
        """Learn of an attempt that failed, before it is tried again.

        A 429 takes the arm out of the choice at once: whoever was told so waits, and nobody else
        has to.
        """
        if isinstance(error, ProviderRateLimitError):
            health = self._health.setdefault(error.arm, Health())
            health.limit(self._clock(), error)

    def away(self, arm: Arm) -> str | None:
        """Why an arm had better not be asked right now; None where it may be."""
        return self._away(arm, self._clock())

    def given_up(self, arm: str) -> None:
        """Learn that a late call of an arm, by its name, was given up for another's answer."""
        self._health.setdefault(arm, Health()).given_up(self._clock())

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """Why arms cannot be asked: as the inner provider says, and those that rest or are full."""
        told = self._inner.obstacles(arms, request, stream=stream, input_tokens=input_tokens)
        if not self._health:
            return told
        now = self._clock()
        away = {
            arm.name: reason
            for arm in arms
            if arm.name not in told and (reason := self._away(arm, now)) is not None
        }
        # where all of them are away, one of them is better than none
        if not away or len(away) + len(told) == len({arm.name for arm in arms}):
            return told
        return {**told, **away}

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """One whole answer. Raises as the inner provider."""
        health = await self._begin(arm)
        error: BaseException | None = None
        try:
            return await self._inner.complete(arm, request)
        except BaseException as caught:
            error = caught
            raise
        finally:
            self._end(arm, health, error)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """The events of one streamed answer. Raises as the inner provider."""
        health = await self._begin(arm)
        error: BaseException | None = None
        events = self._inner.stream(arm, request)
        try:
            async for event in events:
                yield event
        except BaseException as caught:
            error = caught
            raise
        finally:
            try:
                if isinstance(events, AsyncGeneratorType):
                    await events.aclose()
            finally:
                self._end(arm, health, error)

    async def count_tokens(self, arm: Arm, request: ChatRequest) -> int | None:
        """As the inner provider counts; None where it does not. It takes none of the arm's room."""
        if not isinstance(self._inner, CountsTokens):
            return None
        return await self._inner.count_tokens(arm, request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._inner.close()

    def _away(self, arm: Arm, now: float) -> str | None:
        health = self._health.get(arm.name)
        if health is None:
            return None
        seconds = health.resting_s(now)
        if seconds > 0.0:
            return f"the arm rests for {seconds:.0f} s after failures"
        if arm.max_concurrent is not None and health.calls >= arm.max_concurrent:
            return f"the arm has {health.calls} calls in flight, as many as it may"
        return None

    async def _begin(self, arm: Arm) -> Health:
        """Count a call, once the arm has room for it."""
        if arm.max_concurrent is not None:
            await self._room_of(arm, arm.max_concurrent).acquire()
        health = self._health.setdefault(arm.name, Health())
        health.begin(self._clock())
        return health

    def _end(self, arm: Arm, health: Health, error: BaseException | None) -> None:
        health.end(self._clock(), error)
        if arm.max_concurrent is not None:
            self._room_of(arm, arm.max_concurrent).release()

    def _room_of(self, arm: Arm, most: int) -> asyncio.Semaphore:
        return self._room.setdefault(arm.name, asyncio.Semaphore(most))
