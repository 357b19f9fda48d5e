"""Tells of every call of an arm, by OpenTelemetry's conventions for GenAI: never what was said.

Nothing of this is imported unless telemetry is set up.
"""

from __future__ import annotations

from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Protocol

from metallm.core.protocols import CountsTokens
from metallm.wire.openai_embeddings import read_bill

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Completion, StreamEvent
    from metallm.core.protocols import Provider
    from metallm.providers.traced_call import Calls


class TracedProvider:
    """Tells of every call: who was asked, how long it took, tokens, cost.

    Args:
        inner: makes the calls, with the retries that make sense.
        calls: is told of them.
    """

    def __init__(self, inner: Provider, calls: Calls) -> None:
        self._inner = inner
        self._calls = calls

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """As the inner provider says."""
        return self._inner.obstacles(arms, request, stream=stream, input_tokens=input_tokens)

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """One whole answer. Raises as the inner provider."""
        call = self._calls.begin(arm)
        error: BaseException | None = None
        try:
            with call.made():
                completion = await self._inner.complete(arm, request)
            call.usage = completion.usage
            call.answered(completion.raw)
        except BaseException as caught:
            error = caught
            raise
        finally:
            call.end(error)
        return completion

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """The events of one streamed answer. Raises as the inner provider."""
        call = self._calls.begin(arm, stream=True)
        error: BaseException | None = None
        events = self._inner.stream(arm, request)
        try:
            # all is sent before the first event comes, and no context is left changed between two
            with call.made():
                first = await anext(events, None)
            if first is not None:
                call.began(first.data)
                call.usage = first.usage
                yield first
            async for event in events:
                call.went_on(event.data)
                call.usage = event.usage or call.usage
                yield event
        except BaseException as caught:
            error = caught
            raise
        finally:
            try:
                if isinstance(events, AsyncGeneratorType):
                    await events.aclose()
            finally:
                call.end(error)

    async def count_tokens(self, arm: Arm, request: ChatRequest) -> int | None:
        """As the inner provider counts; None where it does not."""
        if not isinstance(self._inner, CountsTokens):
            return None
        return await self._inner.count_tokens(arm, request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._inner.close()


class Poster(Protocol):
    """Sends a body to an arm's host, and gives the answer's bytes."""

    async def post(self, arm: Arm, path: str, body: bytes) -> bytes:
        """One attempt."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class TracedPoster:
    """Tells of every call for embeddings.

    Args:
        inner: makes the calls.
        calls: is told of them.
    """

    def __init__(self, inner: Poster, calls: Calls) -> None:
        self._inner = inner
        self._calls = calls

    async def post(self, arm: Arm, path: str, body: bytes) -> bytes:
        """One attempt. Raises as the inner poster."""
        call = self._calls.begin(arm, "embeddings")
        error: BaseException | None = None
        try:
            with call.made():
                raw = await self._inner.post(arm, path, body)
            call.usage = read_bill(arm.name, raw)
        except BaseException as caught:
            error = caught
            raise
        finally:
            call.end(error)
        return raw

    async def close(self) -> None:
        """Let go of connections."""
        await self._inner.close()
