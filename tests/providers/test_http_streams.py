"""Streams over HTTP: what is passed on, tried again and cut."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from metallm.core.completion import ChatRequest
from metallm.core.price import Usage
from metallm.errors import (
    ProviderTimeoutError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.wire.openai_errors import write_error
from metallm.wire.openai_stream import DONE
from metallm.wire.sse import write_event
from providers.benches import REQUEST, WHOLE, Bench, event, hang, with_upstream
from servers import Talk, answered, chunked, streamed


def test_the_first_event_has_a_time_limit_of_its_own() -> None:
    async def head_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(b": beat\n\n", end=False))
        await hang(reader, writer)

    async def scenario(bench: Bench) -> None:
        for _ in range(2):
            events, error = await bench.collect()
            assert events == []
            assert isinstance(error, ProviderTimeoutError)
            assert "no answer within 0.05 s" in str(error)

    with_upstream([head_only, hang], scenario, first_token_timeout_s=0.05)


def test_a_stream_that_takes_too_long_is_cut() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(event("to"), end=False))
        await hang(reader, writer)

    async def scenario(bench: Bench) -> None:
        events, error = await bench.collect()
        assert [each.text for each in events] == ["to"]
        assert isinstance(error, StreamCutError)
        assert "not complete after 0.2 s" in str(error)

    with_upstream([slow], scenario, timeout_s=0.2)


def test_a_stream_gives_its_events_and_marks_usage_that_was_not_asked_for() -> None:
    async def scenario(bench: Bench) -> None:
        events, error = await bench.collect()
        assert error is None
        assert [each.text for each in events] == ["to", " be", "", ""]
        assert events[-1].usage == Usage(4, 2)
        assert events[-1].only_usage
        sent = orjson.loads(bench.upstream.requests[0][1])
        assert sent["stream_options"] == {"include_usage": True}
        assert sent["stream"] is True
        asked = ChatRequest({**REQUEST.body, "stream_options": {"include_usage": True}})
        events, error = await bench.collect(asked)
        assert not events[-1].only_usage

    raw = b"".join(WHOLE)
    bytewise = streamed(*(raw[i : i + 1] for i in range(len(raw))))
    with_upstream([streamed(*WHOLE), bytewise], scenario)


def test_a_stream_that_fails_before_its_first_event_is_tried_again() -> None:
    error_first = write_event(write_error("busy", kind="overloaded", code="503"))

    async def scenario(bench: Bench) -> None:
        events, error = await bench.collect()
        assert error is None
        assert len(events) == 4
        assert len(bench.waits) == 4

    talks: list[bytes | Talk] = [
        answered(503, b""),
        streamed(error_first),
        streamed(b": nothing\n\n"),
        streamed(DONE),
        streamed(*WHOLE),
    ]
    with_upstream(talks, scenario, max_retries=4)


def test_a_stream_that_never_begins_is_unavailable_with_the_status_it_told() -> None:
    error_first = streamed(write_event(write_error("busy", kind="overloaded", code="503")))

    async def scenario(bench: Bench) -> None:
        events, error = await bench.collect()
        assert events == []
        assert type(error) is ProviderUnavailableError
        assert error.status == 503
        assert str(error).count("arm 'up/m'") == 1

    with_upstream([error_first], scenario, max_retries=0)


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (chunked(), "ended before the answer did"),
        (b"", "the connection broke within the answer"),
        (
            chunked(write_event(write_error("x", kind="server_error")), end=False),
            r"broke off with an error \(server_error\)",
        ),
        (chunked(b"data: {\n\n", end=False), "no JSON"),
    ],
)
def test_a_stream_that_breaks_after_its_first_event_is_cut_and_not_tried_again(
    rest: bytes, told: str
) -> None:
    taken = asyncio.Event()

    async def in_two_parts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(event("to"), end=False))
        await taken.wait()
        writer.write(rest)

    async def scenario(bench: Bench) -> None:
        stream = bench.provider.stream(bench.arm, REQUEST)
        assert (await anext(stream)).text == "to"
        taken.set()
        with pytest.raises(StreamCutError, match=told):
            await anext(stream)
        assert len(bench.upstream.requests) == 1

    with_upstream([in_two_parts], scenario)


def test_events_are_passed_on_as_they_come() -> None:
    taken: asyncio.Queue[None] = asyncio.Queue()

    async def bit_by_bit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(WHOLE[0], end=False))
        for piece in WHOLE[1:]:
            await taken.get()
            writer.write(chunked(piece, end=False))
        writer.write(chunked())

    async def scenario(bench: Bench) -> None:
        texts = []
        async for each in bench.provider.stream(bench.arm, REQUEST):
            texts.append(each.text)
            taken.put_nowait(None)
        assert texts == ["to", " be", "", ""]

    with_upstream([bit_by_bit], scenario)


@pytest.mark.parametrize("end", [True, False])
def test_an_answer_that_is_complete_needs_no_last_event(end: bool) -> None:
    async def scenario(bench: Bench) -> None:
        events, error = await bench.collect()
        assert error is None
        assert "".join(each.text for each in events) == "to be"

    with_upstream([streamed(*WHOLE[:3], end=end)], scenario)
