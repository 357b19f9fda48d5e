from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from typing import Any

import openai
import orjson
import pytest

from doubles import CHEAP
from gateway.gates import BOTH, CHAT, HELLO, Gate, gate
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.outcome import Outcome
from metallm.core.price import Usage
from metallm.errors import (
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    StoreError,
)
from metallm.providers.scripted import Cut, ScriptedProvider
from metallm.store.memory import MemoryStore
from metallm.wire.openai_stream import write_chunk


def lines(body: bytes) -> list[str]:
    return [event for event in body.decode().split("\n\n") if event]


def chunks(body: bytes) -> list[dict[str, Any]]:
    data = [line.removeprefix("data: ") for line in lines(body) if line.startswith("data: {")]
    return [orjson.loads(each) for each in data]


class Endless:
    """A provider whose answers never end; it notes what became of its calls."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.closed = threading.Event()
        self.closing_took_part_in_the_loop = False

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> dict[str, str]:
        return {}

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        self.asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.closed.set()
        raise AssertionError("never ends")

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        self.asked.set()
        try:
            data = write_chunk(answer_id="x", created=0, model="m", delta={"content": "one "})
            yield StreamEvent(data, "one ")
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)  # a real connection may need the loop to be closed
            self.closing_took_part_in_the_loop = True
            self.closed.set()

    async def close(self) -> None:
        pass


def test_the_official_client_reads_the_stream_without_usage() -> None:
    with gate() as made, made.client() as client:
        stream = client.chat.completions.create(model="auto", messages=HELLO, stream=True)
        got = list(stream)
        assert {chunk.model for chunk in got} <= set(BOTH)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in got)
        assert text == BOTH[got[0].model]
        assert got[-1].choices[0].finish_reason == "stop"
        assert all(chunk.usage is None for chunk in got)


def test_the_official_client_gets_the_usage_that_it_asked_for() -> None:
    with gate() as made, made.client() as client:
        got = list(
            client.chat.completions.create(
                model="auto",
                messages=HELLO,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        assert got[-1].choices == []
        assert got[-1].usage is not None
        assert got[-1].usage.total_tokens == 15


def test_headers_come_first_and_the_bill_is_a_comment_before_the_end() -> None:
    with gate() as made:
        reply = made.chat(model="sim/dear", stream=True)
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in reply.headers
        assert reply.headers["x-metallm-decision-id"] == "dec_0"
        assert reply.headers["x-metallm-arm"] == "sim/dear"
        assert reply.headers["x-metallm-propensity"] == "1.0"
        assert float(reply.headers["x-metallm-overhead-ms"]) > 0
        events = lines(reply.body)
        assert events[-2:] == [": metallm cost_usd=0.0002 decision_id=dec_0", "data: [DONE]"]
        assert all(event.startswith("data: {") for event in events[:-2])
        (outcome,) = made.router.outcomes("dec_0")
        assert outcome.cost_usd == 0.0002


def test_a_guessed_bill_and_an_unknown_one_are_told_as_such() -> None:
    provider = ScriptedProvider({"sim/cheap": "hi", "sim/odd": "hi"}, usage=None)
    with gate(provider=provider, arms=[CHEAP, Arm("sim/odd", price="unknown")]) as made:
        guessed = lines(made.chat(model="sim/cheap", stream=True).body)[-2]
        assert "cost_estimated=true" in guessed
        assert lines(made.chat(model="sim/odd", stream=True).body)[-2] == (
            ": metallm decision_id=dec_1"
        )


def test_usage_on_a_chunk_with_choices_is_kept_and_billed() -> None:
    class Generous(ScriptedProvider):
        async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
            chunk = {
                "id": "x",
                "model": "m",
                "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10},
            }
            yield StreamEvent(orjson.dumps(chunk), "hi", Usage(100, 10))

    with gate(provider=Generous({})) as made:
        reply = made.chat(model="sim/dear", stream=True)
        assert chunks(reply.body)[0]["usage"]["prompt_tokens"] == 100
        assert "cost_usd=0.0012 " in lines(reply.body)[-2]


def test_a_stream_that_breaks_off_ends_with_an_error_and_without_done() -> None:
    with gate({"sim/dear": Cut("half an answer")}) as made:
        reply = made.chat(model="sim/dear", stream=True)
        assert reply.status == 200
        events = lines(reply.body)
        assert "data: [DONE]" not in events
        assert chunks(reply.body)[-1]["error"]["code"] == "provider_failed"
        assert events[-2].startswith(": metallm cost_usd=")
        (outcome,) = made.router.outcomes("dec_0")
        assert outcome.kind == "failure"


def test_the_official_client_raises_where_a_stream_breaks_off() -> None:
    with gate({"sim/dear": Cut("half an answer")}) as made, made.client() as client:
        stream = client.chat.completions.create(model="sim/dear", messages=HELLO, stream=True)
        got: list[str | None] = []
        with pytest.raises(openai.APIError, match="the script cuts"):
            got.extend(chunk.choices[0].delta.content for chunk in stream)


def test_an_unforeseen_error_within_a_stream_tells_no_internals() -> None:
    class Broken(ScriptedProvider):
        async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
            yield StreamEvent(b'{"model": "m", "choices": []}')
            raise KeyError(request.body["messages"])

    with gate(provider=Broken({})) as made:
        reply = made.chat(model="sim/dear", stream=True)
        error = chunks(reply.body)[-1]["error"]
        assert error["code"] == "internal_error"
        assert reply.headers["x-request-id"] in error["message"]
        assert b"hello there" not in reply.body
        assert "hello there" not in made.log.getvalue()
        assert "KeyError" in made.log.getvalue()


def test_an_answer_whose_bill_cannot_be_logged_does_not_end_as_if_it_were() -> None:
    class Full(MemoryStore):
        def append(self, records: Any) -> Future[None]:
            if not any(isinstance(each, Outcome) for each in records):
                return super().append(records)
            failed: Future[None] = Future()
            failed.set_exception(StoreError("the disk is full"))
            return failed

    with gate(store=Full()) as made:
        reply = made.chat(model="sim/dear", stream=True)
        assert chunks(reply.body)[-1]["error"]["code"] == "log_unavailable"
        assert b"[DONE]" not in reply.body


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (ProviderUnavailableError("sim/dear", "down"), 502),
        (ProviderTimeoutError("sim/dear", "late"), 504),
        (ProviderRateLimitError("sim/dear", "slow down"), 429),
    ],
)
def test_a_stream_that_fails_before_its_first_event_is_a_plain_error(
    failure: Any, status: int
) -> None:
    with gate({"sim/dear": failure}) as made:
        reply = made.chat(model="sim/dear", stream=True)
        assert reply.status == status
        assert reply.error["message"]


def test_a_stream_falls_back_before_its_first_event() -> None:
    script: Any = {"sim/cheap": ProviderUnavailableError("sim/cheap", "down"), "sim/dear": "here"}
    with gate(script, policy="fixed:sim/cheap") as made:
        reply = made.chat(stream=True)
        assert reply.headers["x-metallm-arm"] == "sim/dear"
        assert {chunk["model"] for chunk in chunks(reply.body)} == {"sim/dear"}


def leave_after(
    made: Gate, stream: bool, ready: Callable[[http.client.HTTPConnection], None]
) -> None:
    connection = http.client.HTTPConnection(made.url.removeprefix("http://"), timeout=20)
    body = orjson.dumps({"model": "sim/dear", "messages": HELLO, "stream": stream})
    connection.request("POST", CHAT, body)
    ready(connection)
    connection.close()


def test_a_client_that_leaves_a_stream_closes_the_upstream_and_is_billed_for_what_came() -> None:
    def read_one(connection: http.client.HTTPConnection) -> None:
        answer = connection.getresponse()
        assert b'"one "' in answer.readline()
        answer.close()

    provider = Endless()
    with gate(provider=provider) as made:
        leave_after(made, True, read_one)
        assert provider.closed.wait(10)
        assert provider.closing_took_part_in_the_loop
        assert made.send("GET", "/healthz").status == 200
    (outcome,) = made.router.outcomes("dec_0")
    assert outcome.kind == "failure"
    assert outcome.error is not None
    assert "went away" in outcome.error
    assert outcome.cost_usd is not None
    assert outcome.cost_estimated


def test_a_client_that_leaves_before_a_whole_answer_cancels_the_call() -> None:
    provider = Endless()
    with gate(provider=provider) as made:
        leave_after(made, False, lambda _: assert_set(provider.asked))
        assert provider.closed.wait(10)
        assert made.send("GET", "/healthz").status == 200
    left = next(line for line in made.lines() if line["path"] == CHAT)
    assert left["status"] is None
    (outcome,) = made.router.outcomes("dec_0")
    assert (outcome.kind, outcome.arm, outcome.cost_usd) == ("failure", "sim/dear", None)
    assert outcome.error is not None
    assert "went away" in outcome.error


def assert_set(event: threading.Event) -> None:
    assert event.wait(10)


def test_streams_that_are_left_one_after_the_other_are_all_closed() -> None:
    before = threading.active_count()
    provider = Endless()
    with gate(provider=provider) as made:
        for _ in range(50):
            provider.closed.clear()
            leave_after(made, True, lambda connection: connection.getresponse().close())
            assert provider.closed.wait(10)
    assert threading.active_count() <= before
    assert made.router.knowledge.decisions == 50
