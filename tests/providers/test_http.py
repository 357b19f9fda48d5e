"""Whole answers over HTTP: what is sent, read, tried again and refused."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

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
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from metallm.providers.http import HttpProvider
from metallm.wire.base import Outgoing
from metallm.wire.faces import FACES
from metallm.wire.openai_errors import write_error
from metallm.wire.openai_stream import write_chunk
from providers.benches import ANSWER, KEY, REQUEST, Bench, hang, with_upstream
from servers import Talk, answered, raw_upstream, streamed


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


def test_an_answer_that_does_not_come_in_time_is_not_asked_for_again() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(ProviderTimeoutError, match=r"no answer within 0\.05 s"):
            await bench.provider.complete(bench.arm, REQUEST)
        assert len(bench.upstream.requests) == 1

    with_upstream([hang], scenario, timeout_s=0.05)


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
