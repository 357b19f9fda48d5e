"""Streams in earnest: real connections on both sides, many at once, and clients that leave."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from gateway.gates import CHAT, HELLO, Gate, gate
from metallm import Hedge
from metallm.core.arm import Arm
from metallm.providers.http import HttpProvider
from metallm.wire.openai_stream import write_chunk
from servers import chunked, streamed

MANY = 1000
AT_ONCE = 64
"""Clients that wait for their first event at the same time; fewer than a socket's backlog."""
SOON_S = 0.1


def event(**delta: str) -> bytes:
    finish = None if delta else "stop"
    data = write_chunk(answer_id="x", created=0, model="m", delta=delta, finish_reason=finish)
    return b"data: " + data + b"\n\n"


FIRST = streamed(event(content="one "), end=False)
REST = chunked(event(content="two"), event(), b"data: [DONE]\n\n")


@dataclass
class Held:
    """An upstream that sends the rest of its answers once it is told to."""

    speaks: bool = True
    base_url: str = ""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    left_at: asyncio.Queue[float] = field(default_factory=asyncio.Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        self.asked.put_nowait(None)
        if self.speaks:
            writer.write(FIRST)
        told = asyncio.create_task(self.go_on.wait())
        gone = asyncio.create_task(reader.read())
        done, waiting = await asyncio.wait({told, gone}, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        if gone in done:
            self.left_at.put_nowait(time.perf_counter())
        else:
            writer.write(REST)
        writer.close()


@asynccontextmanager
async def held(*, speaks: bool = True) -> AsyncIterator[Held]:
    upstream = Held(speaks)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=2 * MANY)
    upstream.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield upstream
    finally:
        server.close()


async def asking(made: Gate, *, stream: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request on a connection of its own."""
    place = urlsplit(made.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    body = orjson.dumps({"model": "auto", "messages": HELLO, "stream": stream})
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}"
    writer.write(head.encode() + b"\r\n\r\n" + body)
    return reader, writer


@asynccontextmanager
async def through(upstream: Held, **options: Any) -> AsyncIterator[Gate]:
    """A gateway in a thread, so that its loop is not this one."""
    arms = [Arm(f"sim/{name}", 1.0, 1.0, base_url=upstream.base_url) for name in ("a", "b")]
    with gate(provider=HttpProvider(environ={}), arms=arms, **options) as made:
        yield made


async def at_once(seconds: float) -> None:
    """Whatever is waited for is late at once."""
    del seconds


def test_a_thousand_streams_hold_at_once_and_all_of_them_end() -> None:
    async def one(made: Gate, upstream: Held, turns: asyncio.Semaphore, begun: list[int]) -> bytes:
        async with turns:
            reader, writer = await asking(made, stream=True)
            first = await reader.readuntil(b'"one "')
        begun.append(1)
        if len(begun) == MANY:
            assert not upstream.go_on.is_set()
            upstream.go_on.set()
        whole = first + await reader.read()
        writer.close()
        return whole

    async def run() -> tuple[list[bytes], int]:
        async with held() as upstream, through(upstream) as made:
            turns, begun = asyncio.Semaphore(AT_ONCE), list[int]()
            answers = await asyncio.gather(
                *(one(made, upstream, turns, begun) for _ in range(MANY))
            )
            return answers, made.router.knowledge.decisions

    answers, decisions = asyncio.run(run())
    assert decisions == MANY
    assert all(b'"two"' in each and b"data: [DONE]" in each for each in answers)
    assert not any(b'"error"' in each for each in answers)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_client_that_leaves_cancels_the_upstream_within_a_tenth_of_a_second(
    stream: bool,
) -> None:
    async def run() -> list[float]:
        async with held(speaks=stream) as upstream, through(upstream) as made:
            waits = []
            for _ in range(7):
                reader, writer = await asking(made, stream=stream)
                await upstream.asked.get()
                if stream:
                    await reader.readuntil(b'"one "')
                left_at = time.perf_counter()
                writer.close()
                async with asyncio.timeout(10):
                    waits.append(await upstream.left_at.get() - left_at)
            return waits

    assert statistics.median(asyncio.run(run())) < SOON_S


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_so_it_does_with_both_calls_of_a_hedge(stream: bool) -> None:
    hedged: dict[str, Any] = {"hedge": Hedge(after_s=1.0), "sleep": at_once}

    async def run() -> list[float]:
        async with held(speaks=False) as upstream, through(upstream, **hedged) as made:
            waits = []
            for _ in range(7):
                _, writer = await asking(made, stream=stream)
                for _ in range(2):
                    await upstream.asked.get()
                left_at = time.perf_counter()
                writer.close()
                async with asyncio.timeout(10):
                    left = [await upstream.left_at.get() for _ in range(2)]
                waits.append(max(left) - left_at)
            return waits

    assert statistics.median(asyncio.run(run())) < SOON_S
