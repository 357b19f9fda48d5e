"""A provider over HTTP before a scripted upstream, with waits that take no time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, StreamEvent
from metallm.core.price import Usage
from metallm.errors import (
    ProviderError,
)
from metallm.providers.http import HttpProvider
from metallm.wire.openai_chat import write_answer
from metallm.wire.openai_stream import DONE, write_chunk
from metallm.wire.sse import write_event
from servers import RawUpstream, Talk, raw_upstream

REQUEST = ChatRequest({"messages": [{"role": "user", "content": "hello"}], "seed": 3})

ANSWER = write_answer(answer_id="x", created=1, model="m", text="hi", usage=Usage(4, 2))

KEY = "sk-very-secret-key"


def event(text: str = "", finish: str | None = None, usage: Usage | None = None) -> bytes:
    return write_event(
        write_chunk(
            answer_id="x",
            created=1,
            model="m",
            delta={"content": text},
            finish_reason=finish,
            usage=usage,
        )
    )


WHOLE = (event("to"), event(" be"), event(finish="stop"), event(usage=Usage(4, 2)), DONE)


class Bench:
    """A provider before a scripted upstream, and what happened between them."""

    def __init__(self, upstream: RawUpstream, **options: Any) -> None:
        self.waits: list[float] = []
        self.upstream = upstream

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        self.provider = HttpProvider(
            environ={"KEY": KEY}, sleep=sleep, jitter=lambda: 1.0, **options
        )
        self.arm = Arm("up/m", base_url=upstream.base_url, api_key_env="KEY")

    async def collect(
        self, request: ChatRequest = REQUEST
    ) -> tuple[list[StreamEvent], ProviderError | None]:
        events: list[StreamEvent] = []
        try:
            async for each in self.provider.stream(self.arm, request):
                events.append(each)  # noqa: PERF401 - what came before an error counts too
        except ProviderError as error:
            return events, error
        return events, None


def with_upstream(
    talks: list[bytes | Talk], scenario: Callable[[Bench], Awaitable[None]], **options: Any
) -> None:
    async def main() -> None:
        async with raw_upstream(talks) as upstream:
            bench = Bench(upstream, **options)
            try:
                await scenario(bench)
            finally:
                await bench.provider.close()

    asyncio.run(asyncio.wait_for(main(), 20))


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client goes away
