"""Requests sent again with their Idempotency-Key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.gates import BOTH, HELLO, Gate, Reply, gate
from gateway.keyed import key, keyed
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.errors import ProviderUnavailableError
from metallm.gateway.replays import Replay, Shelf
from metallm.gateway.rules import Rules
from metallm.providers.scripted import Cut, ScriptedProvider

ONCE = {"Idempotency-Key": "order 66"}


class Waiting(ScriptedProvider):
    """Answers once it may."""

    def __init__(self, script: Any = None) -> None:
        super().__init__(script or BOTH)
        self.may = threading.Event()
        self.begun = threading.Event()

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        self.begun.set()
        await asyncio.to_thread(self.may.wait, 20)
        return await super().complete(arm, request)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        self.begun.set()
        await asyncio.to_thread(self.may.wait, 20)
        async for event in super().stream(arm, request):
            yield event


def ask(made: Gate, headers: dict[str, str] | None = None, **body: Any) -> Reply:
    whole = {"model": "auto", "messages": HELLO, **body}
    return made.send("POST", "/v1/chat/completions", whole, headers=ONCE | (headers or {}))


def same(one: Reply, other: Reply) -> bool:
    """Whether two replies are one answer."""
    return (one.status, one.body) == (other.status, other.body) and all(
        one.headers.get(name) == other.headers.get(name)
        for name in ("x-metallm-decision-id", "x-metallm-arm", "content-type")
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_repeat_gets_the_first_answer_and_nobody_pays_or_learns_twice(stream: bool) -> None:
    with gate() as made:
        first, second = ask(made, stream=stream), ask(made, stream=stream)
        assert same(first, second)
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert first.headers["x-request-id"] != second.headers["x-request-id"]
        assert made.provider.count() == 1
        assert made.router.knowledge.decisions == 1
        told = made.send("GET", "/metrics").body.decode()
        assert 'metallm_replays_total{kind="repeat"} 1.0' in told
        lines = [line for line in made.lines() if line["path"] == "/v1/chat/completions"]
        assert {line["decision_id"] for line in lines} == {"dec_0"}


@pytest.mark.parametrize("stream", [False, True])
def test_the_official_client_can_repeat(stream: bool) -> None:
    with gate() as made, made.client() as client:
        told = []
        for _ in range(3):
            answer = client.chat.completions.create(
                model="auto", messages=HELLO, stream=stream, extra_headers=ONCE
            )
            if isinstance(answer, openai.Stream):
                told.append("".join(each.choices[0].delta.content or "" for each in answer))
            else:
                told.append(answer.choices[0].message.content or "")
        assert told == [told[0]] * 3
        assert made.provider.count() == 1


def test_a_classification_can_be_repeated_too() -> None:
    with gate({"sim/cheap": "yes", "sim/dear": "yes"}) as made:
        body = {"text": "is it?", "labels": ["yes", "no"]}
        replies = [made.send("POST", "/v1/classify", body, headers=ONCE) for _ in range(2)]
        assert replies[0].body == replies[1].body
        assert made.provider.count() == 1


def test_the_name_of_another_request_is_refused() -> None:
    with gate() as made:
        assert ask(made).status == 200
        for other in ({"temperature": 0.5}, {"stream": True}, {"model": "sim/dear"}):
            refused = ask(made, **other)
            assert (refused.status, refused.error["code"]) == (422, "idempotency_key_reused")
            assert refused.headers["x-should-retry"] == "false"
        body = {"text": "is it?", "labels": ["yes", "no"]}
        assert made.send("POST", "/v1/classify", body, headers=ONCE).status == 422
        assert made.provider.count() == 1


@pytest.mark.parametrize("name", ["", "x" * 256, "é"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with gate() as made:
        sent = {"Idempotency-Key": name.encode("latin-1").decode("latin-1")}
        refused = made.send("POST", "/v1/chat/completions", {"model": "auto"}, headers=sent)
        assert refused.status == 400
        assert "Idempotency-Key" in refused.error["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_repeats_that_come_at_once_wait_for_the_first(stream: bool) -> None:
    provider = Waiting()
    with gate(provider=provider) as made, ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(ask, made, stream=stream) for _ in range(6)]
        assert provider.begun.wait(20)
        other = pool.submit(ask, made, temperature=1.0)
        provider.may.set()
        replies = [each.result(20) for each in waiting]
        assert all(same(replies[0], reply) for reply in replies)
        assert sum("idempotent-replayed" in reply.headers for reply in replies) == 5
        assert other.result(20).status == 422
        assert provider.count() == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_gave_up_waiting_finds_its_answer_when_it_comes_again(stream: bool) -> None:
    provider = Waiting()
    with gate(provider=provider) as made:
        with made.client(timeout=0.2) as client, pytest.raises(openai.APITimeoutError):
            client.post(
                "/chat/completions",
                cast_to=object,
                body={"model": "auto", "messages": HELLO, "stream": stream},
                options={"headers": ONCE},
            )
        with ThreadPoolExecutor(1) as pool:
            again = pool.submit(ask, made, stream=stream)
            provider.may.set()
            assert again.result(20).headers["idempotent-replayed"] == "true"
        assert provider.count() == 1
        assert [each.kind for each in made.router.outcomes("dec_0")] == ["completion"]


def test_a_failure_is_not_kept_and_whoever_waits_tries_it_next() -> None:
    down = ProviderUnavailableError("sim/cheap", "down", status=503)
    with gate({"sim/cheap": [down, "hi"]}) as made:
        assert ask(made, model="sim/cheap").status == 502
        assert ask(made, model="sim/cheap").status == 200
        assert ask(made, model="sim/cheap").headers["idempotent-replayed"] == "true"
        assert made.provider.count() == 2


def test_a_stream_that_broke_is_not_kept() -> None:
    with gate({"sim/cheap": [Cut("half"), "whole"]}) as made:
        broken = ask(made, model="sim/cheap", stream=True)
        assert b'"error"' in broken.body
        assert b"whole" in ask(made, model="sim/cheap", stream=True).body
        assert made.provider.count() == 2


def test_names_are_each_keys_own(tmp_path: Path) -> None:
    with keyed(tmp_path, key(1, "a"), key(2, "b")) as made:
        replies = [made.chat(who, ONCE) for who in ("a", "b", "a", "b")]
        ids = [reply.headers["x-metallm-decision-id"] for reply in replies]
        assert ids == ["dec_0", "dec_1", "dec_0", "dec_1"]


def test_it_can_be_switched_off() -> None:
    with gate(rules=Rules(repeat_ttl_s=0.0)) as made:
        assert {"idempotent-replayed" in ask(made).headers for _ in range(2)} == {False}
        assert made.provider.count() == 2


def test_a_body_that_is_too_long_is_refused_as_ever() -> None:
    with gate(max_body_bytes=1000) as made:
        assert ask(made, messages=[{"role": "user", "content": "x" * 2000}]).status == 413


# -- what is kept ---------------------------------------------------------------------------------


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


def answer(size: int) -> Replay:
    return Replay(200, (), b"x" * size, "chat", None, None)


def test_an_answer_is_kept_for_its_time() -> None:
    clock = Clock()
    shelf = Shelf(100_000, clock)
    shelf.put("a", answer(10), 60.0)
    clock.now += 59.0
    assert shelf.get("a") == (answer(10), 59.0)
    clock.now += 1.0
    assert shelf.get("a") is None
    assert (len(shelf), shelf.bytes) == (0, 0)


def test_memory_is_bounded_and_what_was_used_longest_ago_goes_first() -> None:
    shelf = Shelf(20_000, Clock())
    for name in range(100):
        shelf.put(name, answer(1000), 60.0)
        if shelf.get(0) is None:
            raise AssertionError("what is asked for again and again stays")
        assert shelf.bytes <= 20_000
    assert len(shelf) == 20_000 // answer(1000).size
    assert shelf.get(50) is None
    assert shelf.get(99) is not None


def test_what_is_too_large_by_itself_is_not_kept_and_drops_nothing_else() -> None:
    shelf = Shelf(20_000, Clock())
    shelf.put("a", answer(100), 60.0)
    shelf.put("b", answer(2501), 60.0)
    assert shelf.get("b") is None
    assert shelf.get("a") is not None


def test_the_same_name_again_takes_no_more_room() -> None:
    shelf = Shelf(20_000, Clock())
    for _ in range(3):
        shelf.put("a", answer(100), 60.0)
    assert (len(shelf), shelf.bytes) == (1, answer(100).size)
