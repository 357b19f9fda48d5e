"""Connections to hosts: used again, let go, and closed with those who need them."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from metallm.core.arm import Arm
from metallm.providers.http import HttpProvider, _late
from providers.benches import ANSWER, REQUEST, WHOLE, Bench, event, hang, with_upstream
from servers import answered, raw_upstream, running, streamed


def test_a_connection_is_used_again_after_a_whole_stream() -> None:
    ports = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        ports.append(scope["client"][1])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in WHOLE:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    async def main(url: str) -> None:
        provider = HttpProvider()
        for _ in range(3):
            arm = Arm("up/m", base_url=f"{url}/v1")
            assert len([each async for each in provider.stream(arm, REQUEST)]) == 4
        await provider.close()

    with running(app) as url:
        asyncio.run(main(url))
    assert len(set(ports)) == 1


def test_a_connection_that_takes_too_long_is_tried_again_unlike_an_answer() -> None:
    unconnected = _late("up/m", 60.0, aiohttp.ConnectionTimeoutError())
    assert unconnected.again
    assert "no connection in time" in str(unconnected.error)
    unanswered = _late("up/m", 60.0, TimeoutError())
    assert not unanswered.again
    assert "no answer within 60 s" in str(unanswered.error)


def test_a_client_that_goes_away_closes_the_connection_upstream() -> None:
    async def scenario(bench: Bench) -> None:
        stream = bench.provider.stream(bench.arm, REQUEST)
        assert (await anext(stream)).text == "to"
        await stream.aclose()
        await asyncio.wait_for(gone.wait(), 5)

    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(event("to"), end=False))
        await hang(reader, writer)
        gone.set()

    with_upstream([endless], scenario)


def test_a_cancelled_call_closes_the_connection_upstream() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await hang(reader, writer)
        gone.set()

    async def scenario(bench: Bench) -> None:
        call = asyncio.create_task(bench.provider.complete(bench.arm, REQUEST))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(gone.wait(), 5)

    with_upstream([silent], scenario)


def test_a_host_that_keeps_the_connection_after_the_last_event_does_not_hold_us() -> None:
    async def lingering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(*WHOLE, end=False))
        await hang(reader, writer)

    async def scenario(bench: Bench) -> None:
        events, error = await asyncio.wait_for(bench.collect(), 5)
        assert error is None
        assert len(events) == 4

    with_upstream([lingering], scenario)


def test_one_provider_serves_several_event_loops() -> None:
    provider = HttpProvider()

    async def main() -> None:
        async with raw_upstream([answered(200, ANSWER)]) as upstream:
            arm = Arm("up/m", base_url=upstream.base_url)
            assert (await provider.complete(arm, REQUEST)).text == "hi"

    for _ in range(3):
        asyncio.run(main())
    asyncio.run(provider.close())


def test_closing_reaches_the_sessions_of_other_running_loops() -> None:
    import threading

    provider = HttpProvider()
    other = asyncio.new_event_loop()
    thread = threading.Thread(target=other.run_forever)
    thread.start()

    async def one_call() -> str:
        async with raw_upstream([answered(200, ANSWER)]) as upstream:
            arm = Arm("up/m", base_url=upstream.base_url)
            return (await provider.complete(arm, REQUEST)).text

    try:
        assert asyncio.run_coroutine_threadsafe(one_call(), other).result(10) == "hi"
        asyncio.run(provider.close())
        assert asyncio.run_coroutine_threadsafe(one_call(), other).result(10) == "hi"
        asyncio.run_coroutine_threadsafe(provider.close(), other).result(10)
    finally:
        other.call_soon_threadsafe(other.stop)
        thread.join(10)
        other.close()
