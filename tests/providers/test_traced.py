"""Calls as OpenTelemetry is told of them, by its conventions for GenAI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.price import Usage
from metallm.errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError
from metallm.providers.http import HttpProvider
from metallm.providers.passed import PASSED
from metallm.providers.scripted import Cut, ScriptedProvider
from servers import raw_upstream

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, TraceFlags

from metallm.providers.traced import TracedPoster, TracedProvider
from telling import Told, told

ARM = Arm("openai/gpt-x", 1.0, 2.0, base_url="https://api.example.org/v1")
REQUEST = ChatRequest({"messages": [{"role": "user", "content": "my secret question"}]})
USAGE = Usage(100, 20, cached_tokens=30, reasoning_tokens=5)
NAMES = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-x",
    "server.address": "api.example.org",
    "server.port": 443,
}


P = ParamSpec("P")


def awaited(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs a test in a loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def raw(**more: Any) -> bytes:
    choice = {"index": 0, "message": {"content": "my secret answer"}, "finish_reason": "stop"}
    return orjson.dumps({"id": "c-1", "model": "gpt-x-2026", "choices": [choice], **more})


def answer() -> Completion:
    return Completion(ARM.name, "my secret answer", USAGE, 0.5, raw())


def traced(script: Any, made: Told, **options: Any) -> TracedProvider:
    return TracedProvider(ScriptedProvider(script, **options), made.calls())


async def events(provider: TracedProvider, most: int = 100) -> list[StreamEvent]:
    found = []
    stream = provider.stream(ARM, REQUEST)
    async for event in stream:
        found.append(event)
        if len(found) == most:
            break
    await stream.aclose()
    return found


@awaited
async def test_a_call_is_a_span_with_the_names_of_the_conventions() -> None:
    made = told()
    completion = await traced({ARM.name: answer()}, made).complete(ARM, REQUEST)
    assert completion.text == "my secret answer"
    span = made.span("chat gpt-x")
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        **NAMES,
        "metallm.arm": "openai/gpt-x",
        "gen_ai.response.id": "c-1",
        "gen_ai.response.model": "gpt-x-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "metallm.cost_usd": ARM.list_price.cost_usd(USAGE) if ARM.list_price else None,
    }


@awaited
async def test_a_call_is_measured_by_names_of_the_settings_alone() -> None:
    made = told()
    await traced({ARM.name: answer()}, made).complete(ARM, REQUEST)
    points = made.points()
    (duration,) = points.pop("gen_ai.client.operation.duration")
    assert dict(duration.attributes) == NAMES
    assert duration.count == 1
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in points.pop("gen_ai.client.token.usage")
    }
    assert tokens == {"input": 100, "output": 20}
    assert points == {}


@awaited
async def test_a_stream_tells_when_it_began_and_why_it_ended() -> None:
    made = told()
    found = await events(traced({ARM.name: "one two three"}, made))
    assert len(found) > 2
    span = made.span("chat gpt-x")
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.response.time_to_first_chunk"] >= 0.0
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert span.attributes["gen_ai.usage.output_tokens"] == 5
    assert "error.type" not in span.attributes
    (first,) = made.points()["gen_ai.client.operation.time_to_first_chunk"]
    assert dict(first.attributes) == NAMES


@awaited
async def test_a_stream_that_is_left_is_cancelled_and_no_error() -> None:
    made = told()
    await events(traced({ARM.name: "one two three"}, made), most=1)
    span = made.span("chat")
    assert span.attributes["error.type"] == "cancelled"
    assert span.status.status_code is StatusCode.UNSET


@awaited
async def test_a_call_that_is_given_up_is_cancelled_and_no_error() -> None:
    made = told()

    class Stuck(ScriptedProvider):
        async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
            await asyncio.Event().wait()
            raise AssertionError

    provider = TracedProvider(Stuck({}), made.calls())
    call = asyncio.ensure_future(provider.complete(ARM, REQUEST))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    span = made.span("chat")
    assert span.attributes["error.type"] == "cancelled"
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProviderUnavailableError(ARM.name, "my secret reason", status=503), "503"),
        (ProviderTimeoutError(ARM.name, "my secret reason"), "timeout"),
        (ProviderError(ARM.name, "my secret reason"), "ProviderError"),
        (Cut("half"), "StreamCutError"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@awaited
async def test_a_failure_tells_its_kind_and_not_its_words(
    error: Any, kind: str, stream: bool
) -> None:
    made = told()
    provider = traced({ARM.name: error}, made)
    with pytest.raises(ProviderError):
        await (events(provider) if stream else provider.complete(ARM, REQUEST))
    span = made.span("chat")
    assert span.attributes["error.type"] == kind
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert not span.events
    (duration,) = made.points()["gen_ai.client.operation.duration"]
    assert duration.attributes["error.type"] == kind


@pytest.mark.parametrize("stream", [False, True])
@awaited
async def test_nothing_that_was_said_is_told(stream: bool) -> None:
    made = told()
    provider = traced({ARM.name: answer()}, made)
    await (events(provider) if stream else provider.complete(ARM, REQUEST))
    shown = "".join(span.to_json() for span in made.spans()) + repr(made.points())
    assert "secret" not in shown


@pytest.mark.parametrize("stream", [False, True])
@awaited
async def test_the_host_is_told_the_span_as_its_parent_and_no_context_is_left_changed(
    stream: bool,
) -> None:
    made = told()
    body = (
        b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    async with raw_upstream([head + (body if stream else raw())]) as upstream:
        arm = Arm("sim/m", 1.0, 1.0, base_url=upstream.base_url)
        provider = TracedProvider(HttpProvider(), made.calls())
        before = PASSED.get()
        if stream:
            async for _ in provider.stream(arm, REQUEST):
                assert PASSED.get() == before
        else:
            await provider.complete(arm, REQUEST)
        assert PASSED.get() == before
        await provider.close()
        ((sent, _),) = upstream.requests
    context = made.span("chat").get_span_context()
    expected = f"traceparent: 00-{context.trace_id:032x}-{context.span_id:016x}-"
    assert expected in sent.decode().lower()


@pytest.mark.parametrize("stream", [False, True])
@awaited
async def test_retries_at_the_same_arm_are_events_of_the_one_span(stream: bool) -> None:
    made = told()
    body = (
        b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    ok = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + (body if stream else raw())
    busy = b"HTTP/1.1 503 Busy\r\nconnection: close\r\n\r\nmy secret reason"

    async def at_once(_seconds: float) -> None: ...

    async with raw_upstream([busy, ok]) as upstream:
        arm = Arm("sim/m", 1.0, 1.0, base_url=upstream.base_url)
        provider = TracedProvider(HttpProvider(sleep=at_once, jitter=lambda: 0.0), made.calls())
        if stream:
            assert [event async for event in provider.stream(arm, REQUEST)]
        else:
            await provider.complete(arm, REQUEST)
        await provider.close()
        sent = [head.decode().lower() for head, _ in upstream.requests]
    span = made.span("chat")
    (event,) = span.events
    assert event.name == "metallm.retry"
    assert dict(event.attributes) == {"error.type": "503", "metallm.wait_s": 0.25}
    assert "error.type" not in span.attributes
    assert len(sent) == 2
    assert all(f"{span.get_span_context().span_id:016x}" in head for head in sent)


@awaited
async def test_what_is_not_sampled_is_measured_and_passed_on_all_the_same() -> None:
    made = told(ALWAYS_OFF)
    seen: list[str] = []

    def said(_arm: Arm, _request: ChatRequest) -> str:
        seen.append(PASSED.get()["traceparent"])
        return "yes"

    await traced(said, made).complete(ARM, REQUEST)
    assert made.spans() == []
    assert int(seen[0][-2:], 16) & TraceFlags.SAMPLED == 0
    assert set(made.points()) == {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}


@pytest.mark.parametrize(
    ("arm", "provider", "model"),
    [
        ("bedrock/anthropic.claude", "aws.bedrock", "anthropic.claude"),
        ("gemini/flash", "gcp.gemini", "flash"),
        ("mistral/large", "mistral_ai", "large"),
        ("xai/grok", "x_ai", "grok"),
        ("own/model", "own", "model"),
    ],
)
@awaited
async def test_providers_are_called_as_the_conventions_call_them(
    arm: str, provider: str, model: str
) -> None:
    made = told()
    given = Arm(arm, 1.0, 1.0, base_url="http://127.0.0.1:9/v1")
    await traced({arm: "yes"}, made).complete(given, REQUEST)
    told_of = made.span("chat").attributes
    assert told_of["gen_ai.provider.name"] == provider
    assert told_of["gen_ai.request.model"] == model
    assert (told_of["server.address"], told_of["server.port"]) == ("127.0.0.1", 9)


class Host:
    """Embeds, or fails."""

    def __init__(self, answer: bytes | ProviderError) -> None:
        self._answer = answer
        self.closed = False

    async def post(self, arm: Arm, path: str, body: bytes) -> bytes:
        if isinstance(self._answer, ProviderError):
            raise self._answer
        return self._answer

    async def close(self) -> None:
        self.closed = True


@awaited
async def test_embeddings_are_an_operation_of_their_own() -> None:
    made = told()
    data = [{"embedding": [0.5], "index": 0}]
    body = orjson.dumps({"data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}})
    host = Host(body)
    poster = TracedPoster(host, made.calls())
    assert await poster.post(ARM, "/embeddings", b"{}") == body
    span = made.span("embeddings gpt-x")
    assert span.attributes["gen_ai.operation.name"] == "embeddings"
    assert span.attributes["gen_ai.usage.input_tokens"] == 7
    await poster.close()
    assert host.closed


@awaited
async def test_embeddings_that_fail_tell_why() -> None:
    made = told()
    poster = TracedPoster(Host(ProviderUnavailableError(ARM.name, "no", status=500)), made.calls())
    with pytest.raises(ProviderUnavailableError):
        await poster.post(ARM, "/embeddings", b"{}")
    assert made.span("embeddings").attributes["error.type"] == "500"


@awaited
async def test_closing_and_obstacles_are_the_inner_provider_s() -> None:
    inner = ScriptedProvider({ARM.name: "yes"})
    provider = TracedProvider(inner, told().calls())
    assert provider.obstacles([ARM], REQUEST, stream=False, input_tokens=1) == {}
    assert await provider.count_tokens(ARM, REQUEST) is None
    await provider.close()
    assert inner.closed


async def _drained(stream: AsyncGenerator[StreamEvent, None]) -> int:
    return len([event async for event in stream])


@awaited
async def test_streams_at_the_same_time_are_told_apart() -> None:
    made = told()
    provider = traced({ARM.name: "one two three"}, made)
    await asyncio.gather(*(_drained(provider.stream(ARM, REQUEST)) for _ in range(5)))
    spans = made.spans("chat")
    assert len({span.get_span_context().span_id for span in spans}) == 5
