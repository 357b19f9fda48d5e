from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native, StreamEvent
from metallm.core.price import Usage
from metallm.core.protocols import Provider
from metallm.core.wires import ANTHROPIC, OPENAI
from metallm.errors import (
    ConfigurationError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.providers.http import HttpProvider, _late
from metallm.wire.base import Outgoing
from metallm.wire.faces import FACES
from metallm.wire.openai_chat import write_answer
from metallm.wire.openai_errors import write_error
from metallm.wire.openai_stream import DONE, write_chunk
from metallm.wire.sse import write_event
from servers import RawUpstream, Talk, answered, chunked, raw_upstream, running, streamed

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


def test_a_whole_answer_comes_back_with_its_bytes_and_usage() -> None:
    async def scenario(bench: Bench) -> None:
        completion = await bench.provider.complete(bench.arm, REQUEST)
        assert (completion.arm, completion.text) == ("up/m", "hi")
        assert completion.usage == Usage(4, 2)
        assert completion.raw == ANSWER
        assert completion.latency_s > 0
        head, body = bench.upstream.requests[0]
        assert head.startswith(b"POST /v1/chat/completions HTTP/1.1")
        assert f"Authorization: Bearer {KEY}".encode() in head
        assert orjson.loads(body) == {**REQUEST.body, "model": "m"}

    with_upstream([answered(200, ANSWER)], scenario)


def test_it_is_a_provider() -> None:
    provider: Provider = HttpProvider()
    assert callable(provider.complete)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again_with_growing_waits(status: int) -> None:
    async def scenario(bench: Bench) -> None:
        assert (await bench.provider.complete(bench.arm, REQUEST)).text == "hi"
        assert bench.waits == [0.5, 1.0]

    with_upstream([answered(status, b""), answered(status, b""), answered(200, ANSWER)], scenario)


def test_a_lost_connection_is_tried_again() -> None:
    async def scenario(bench: Bench) -> None:
        assert (await bench.provider.complete(bench.arm, REQUEST)).text == "hi"

    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"
    with_upstream([b"", cut, answered(200, ANSWER)], scenario)


def test_the_wait_that_the_provider_asks_for_is_kept() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.provider.complete(bench.arm, REQUEST)
        assert bench.waits == [4.5, 7.0]

    talks: list[bytes | Talk] = [
        answered(429, b"", "Retry-After-Ms: 4500"),
        answered(503, b"", "Retry-After: 7"),
        answered(200, ANSWER),
    ]
    with_upstream(talks, scenario)


def test_a_wait_that_is_too_long_is_left_to_the_caller() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(ProviderRateLimitError) as raised:
            await bench.provider.complete(bench.arm, REQUEST)
        assert raised.value.retry_after_s == 3600.0
        assert bench.waits == []

    with_upstream([answered(429, b"", "Retry-After: 3600")], scenario)


def test_a_refusal_is_raised_at_once_with_its_body() -> None:
    body = write_error("too long", kind="invalid_request_error", code="context_length_exceeded")

    async def scenario(bench: Bench) -> None:
        with pytest.raises(ProviderRejectedError, match="context_length_exceeded") as raised:
            await bench.provider.complete(bench.arm, REQUEST)
        assert raised.value.body == body
        assert raised.value.status == 400
        events, error = await bench.collect()
        assert events == []
        assert isinstance(error, ProviderRejectedError)
        assert len(bench.upstream.requests) == 2

    with_upstream([answered(400, body)] * 2, scenario)


def test_the_key_is_in_no_message_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario(bench: Bench) -> None:
        with pytest.raises(ProviderAuthError) as raised:
            await bench.provider.complete(bench.arm, REQUEST)
        assert "refuses our key (401)" in str(raised.value)
        assert KEY not in str(raised.value)
        assert KEY not in caplog.text

    with_upstream([answered(401, write_error(f"bad key {KEY}", kind="auth"))], scenario)


def test_a_missing_key_is_told_before_anything_is_sent() -> None:
    async def main() -> None:
        provider = HttpProvider(environ={})
        with pytest.raises(ProviderAuthError, match="OPENAI_API_KEY"):
            await provider.complete(Arm("openai/gpt-4"), REQUEST)
        with pytest.raises(ConfigurationError, match="no host is known"):
            await anext(provider.stream(Arm("acme/x"), REQUEST))
        await provider.close()

    asyncio.run(main())


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"error": {"message": "x"}}'])
def test_an_unreadable_answer_makes_the_arm_unavailable(body: bytes) -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(ProviderUnavailableError):
            await bench.provider.complete(bench.arm, REQUEST)

    with_upstream([answered(200, body)], scenario)


def test_a_redirect_is_not_followed_for_the_key_would_go_along() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(ProviderUnavailableError, match="answered 307 in place of 200"):
            await bench.provider.complete(bench.arm, REQUEST)
        assert len(bench.upstream.requests) == 1

    with_upstream([answered(307, b"", "Location: /v1/elsewhere")], scenario)


def test_a_host_that_is_not_there_is_told() -> None:
    async def main() -> None:
        async with raw_upstream([]) as upstream:
            bench = Bench(upstream)
        with pytest.raises(ProviderUnavailableError, match="cannot be reached") as raised:
            await bench.provider.complete(bench.arm, REQUEST)
        assert isinstance(raised.value.__cause__, OSError)
        assert len(bench.waits) == 2
        events, error = await bench.collect()
        assert events == []
        assert isinstance(error, ProviderUnavailableError)
        await bench.provider.close()

    asyncio.run(main())


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client goes away


def test_an_answer_that_does_not_come_in_time_is_not_asked_for_again() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(ProviderTimeoutError, match=r"no answer within 0\.05 s"):
            await bench.provider.complete(bench.arm, REQUEST)
        assert len(bench.upstream.requests) == 1

    with_upstream([hang], scenario, timeout_s=0.05)


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


@pytest.mark.parametrize("end", [True, False])
def test_an_answer_that_is_complete_needs_no_last_event(end: bool) -> None:
    async def scenario(bench: Bench) -> None:
        events, error = await bench.collect()
        assert error is None
        assert "".join(each.text for each in events) == "to be"

    with_upstream([streamed(*WHOLE[:3], end=end)], scenario)


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


def test_a_signer_sees_each_attempt_whole_and_gives_its_headers() -> None:
    seen: list[Outgoing] = []

    def sign(arm: Arm, sent: Outgoing) -> dict[str, str]:
        assert arm.name == "up/m"
        seen.append(sent)
        return {**sent.headers, "Authorization": f"signed {len(seen)}"}

    async def scenario(bench: Bench) -> None:
        await bench.provider.complete(bench.arm, REQUEST)
        assert [each.method for each in seen] == ["POST", "POST"]
        assert seen[0].url == bench.upstream.base_url + "/chat/completions"
        (_, first), (head, second) = bench.upstream.requests
        assert first == second == seen[1].body
        assert b"Authorization: signed 2" in head
        assert KEY.encode() not in head

    talks: list[bytes | Talk] = [answered(503, b""), answered(200, ANSWER)]
    with_upstream(talks, scenario, signers={OPENAI: sign})


CLAUDE: Any = {"wire": ANTHROPIC, "options": {"max_tokens": 9}}
MESSAGE = FACES[ANTHROPIC].write_answer(ANSWER, wire=OPENAI, model="m")


def test_an_arm_of_anthropics_wire_is_asked_at_its_path_with_its_headers() -> None:
    async def scenario(bench: Bench) -> None:
        arm = replace(bench.arm, **CLAUDE, ignores=("seed",))
        completion = await bench.provider.complete(arm, REQUEST)
        assert (completion.text, completion.usage, completion.wire) == ("hi", Usage(4, 2), OPENAI)
        assert orjson.loads(completion.raw)["object"] == "chat.completion"
        ((head, body),) = bench.upstream.requests
        assert head.startswith(b"POST /v1/messages HTTP/1.1")
        assert f"x-api-key: {KEY}".encode() in head
        assert b"anthropic-version: 2023-06-01" in head
        assert b"Authorization" not in head
        assert orjson.loads(body) == {
            "model": "m",
            "messages": REQUEST.body["messages"],
            "max_tokens": 9,
        }

    with_upstream([answered(200, MESSAGE)], scenario)


def test_a_refusal_is_told_in_openais_shape_or_to_its_own_callers_as_it_came() -> None:
    error = {"type": "invalid_request_error", "message": "too long"}
    refusal = orjson.dumps({"type": "error", "error": error, "request_id": "r"})
    own = ChatRequest(REQUEST.body, native=Native(ANTHROPIC, dict(REQUEST.body)))

    async def scenario(bench: Bench) -> None:
        arm = replace(bench.arm, **CLAUDE, ignores=("seed",))
        with pytest.raises(ProviderRejectedError, match="invalid_request_error") as raised:
            await bench.provider.complete(arm, REQUEST)
        assert orjson.loads(raised.value.body) == {"error": {**error, "param": None, "code": None}}
        assert raised.value.wire == OPENAI
        with pytest.raises(ProviderRejectedError) as raised:
            await bench.provider.complete(arm, own)
        assert (raised.value.body, raised.value.wire) == (refusal, ANTHROPIC)

    with_upstream([answered(400, refusal)] * 2, scenario)


def test_an_overloaded_host_is_asked_again() -> None:
    busy = orjson.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})

    async def scenario(bench: Bench) -> None:
        arm = replace(bench.arm, **CLAUDE, ignores=("seed",))
        events = [event async for event in bench.provider.stream(arm, REQUEST)]
        assert "".join(event.text for event in events) == "hi"
        assert bench.waits == [0.5, 1.0]

    writer = FACES[ANTHROPIC].writer("m")
    chunk = write_chunk(answer_id="x", created=1, model="m", delta={"content": "hi"})
    frames = writer.event(StreamEvent(chunk)) + writer.end()
    busy_stream = streamed(b"event: error\ndata: " + busy + b"\n\n")
    with_upstream([answered(529, busy), busy_stream, streamed(frames)], scenario)
