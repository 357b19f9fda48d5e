"""Signs of life on streams whose answer takes its time."""

from __future__ import annotations

import asyncio
import http.client
import threading
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anthropic
import openai
import orjson
import pytest

from gateway.gates import BOTH, CHAT, HELLO, Gate, gate
from gateway.keyed import key, keyed
from metallm.core.arm import Arm
from metallm.core.budget import Budget
from metallm.core.completion import ChatRequest, StreamEvent
from metallm.errors import ProviderUnavailableError
from metallm.gateway.rules import Rules
from metallm.providers.scripted import ScriptedProvider
from metallm.store.memory import MemoryStore

BEATING = Rules(heartbeat_s=0.02)
SIGN = b": metallm waiting\n\n"


class Slow(ScriptedProvider):
    """Streams once it may."""

    def __init__(self, script: Any = None) -> None:
        super().__init__(BOTH if script is None else script)
        self.may = threading.Event()

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        await asyncio.to_thread(self.may.wait, 20)
        async for event in super().stream(arm, request):
            yield event


class Never(ScriptedProvider):
    """Does not stream at all."""

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        await asyncio.Event().wait()
        async for event in super().stream(arm, request):
            yield event


class Reading:
    """A stream that is read piece by piece."""

    def __init__(self, made: Gate, headers: dict[str, str] | None = None) -> None:
        self._http = http.client.HTTPConnection(made.url.removeprefix("http://"), timeout=20)
        body = orjson.dumps({"model": "auto", "messages": HELLO, "stream": True})
        self._http.request("POST", CHAT, body, headers or {})
        self.answer = self._http.getresponse()

    def signs(self, count: int) -> None:
        """Read so many signs of life."""
        assert self.answer.read(count * len(SIGN)) == count * SIGN

    def rest(self) -> bytes:
        """All that is still to come."""
        return self.answer.read()

    def close(self) -> None:
        """Go away."""
        self.answer.close()
        self._http.close()


def test_while_no_answer_comes_there_are_signs_of_life_and_then_the_answer() -> None:
    provider = Slow()
    with gate(provider=provider, rules=BEATING) as made:
        reading = Reading(made)
        assert reading.answer.status == 200
        assert uuid.UUID(reading.answer.headers["x-request-id"]).version == 4
        assert "x-metallm-decision-id" not in reading.answer.headers
        reading.signs(3)
        provider.may.set()
        rest = reading.rest()
        assert rest.endswith(b"decision_id=dec_0\n\ndata: [DONE]\n\n")
        assert [each.kind for each in made.router.outcomes("dec_0")] == ["completion"]
        reading.close()
    assert made.lines()[-1]["decision_id"] == "dec_0"


def test_an_answer_that_comes_in_time_is_as_ever() -> None:
    with gate(rules=Rules(heartbeat_s=20.0)) as made:
        reply = made.chat(stream=True)
        assert reply.headers["x-metallm-decision-id"] == "dec_0"
        assert SIGN not in reply.body


def test_without_heartbeats_nothing_is_sent_before_the_answer() -> None:
    provider = Slow()
    with gate(provider=provider, rules=Rules(heartbeat_s=0.0)) as made:
        timer = threading.Timer(0.1, provider.may.set)
        timer.start()
        reply = made.chat(stream=True)
        timer.join()
        assert SIGN not in reply.body
        assert reply.headers["x-metallm-decision-id"] == "dec_0"


def test_a_failure_that_comes_late_is_told_within_the_stream() -> None:
    provider = Slow({name: ProviderUnavailableError(name, "down", status=503) for name in BOTH})
    with gate(provider=provider, rules=BEATING) as made:
        reading = Reading(made)
        reading.signs(1)
        provider.may.set()
        events = [each for each in reading.rest().split(b"\n\n") if each.startswith(b"data: ")]
        reading.close()
        (told,) = events
        assert orjson.loads(told[6:])["error"]["code"] == "all_arms_failed"
        counted = made.send("GET", "/metrics").body.decode()
        assert 'metallm_failures_total{arm="sim/cheap",kind="provider_unavailable"} 1.0' in counted


def test_an_error_that_nobody_foresaw_is_told_without_its_words() -> None:
    provider = Slow(lambda arm, request: 1 / 0)
    with gate(provider=provider, rules=BEATING) as made:
        reading = Reading(made)
        reading.signs(1)
        provider.may.set()
        rest = reading.rest()
        reading.close()
        assert b"internal_error" in rest
        assert b"division" not in rest
        assert [line["error"] for line in made.lines() if line["level"] == "error"] == [
            "ZeroDivisionError"
        ]


def test_a_client_that_goes_away_meanwhile_stops_the_arm_and_pays(tmp_path: Path) -> None:
    store = MemoryStore()
    rules = {"heartbeat_s": 0.02}
    rich = key(1, "a", budget=Budget(1.0))
    with keyed(tmp_path, rich, provider=Never(BOTH), rules=rules, store=store) as made:
        reading = Reading(made.gate, {"Authorization": f"Bearer {made.secrets['a']}"})
        reading.signs(2)
        reading.close()
    (outcome,) = store.outcomes("dec_0")
    assert (outcome.kind, "went away" in (outcome.error or "")) == ("failure", True)
    assert outcome.charged_usd is not None
    assert outcome.charged_usd > 0.0


def test_the_official_clients_pass_over_signs_of_life() -> None:
    provider = Slow()
    timer = threading.Timer(0.15, provider.may.set)
    with gate(provider=provider, rules=BEATING) as made, made.client() as client:
        timer.start()
        events = client.chat.completions.create(model="auto", messages=HELLO, stream=True)
        assert isinstance(events, openai.Stream)
        text = "".join(each.choices[0].delta.content or "" for each in events)
        assert text in BOTH.values()
        provider.may.clear()
        timer = threading.Timer(0.15, provider.may.set)
        timer.start()
        url = made.url
        with (
            anthropic.Anthropic(base_url=url, api_key="none", timeout=20, max_retries=0) as other,
            other.messages.stream(model="auto", messages=HELLO, max_tokens=9) as stream,
        ):
            assert "".join(stream.text_stream) in BOTH.values()
        timer.join()


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_the_official_clients_raise_on_a_late_failure(wire: str) -> None:
    provider = Slow({name: ProviderUnavailableError(name, "down", status=503) for name in BOTH})
    timer = threading.Timer(0.15, provider.may.set)
    with gate(provider=provider, rules=BEATING) as made:
        timer.start()
        if wire == "openai":
            with made.client() as client, pytest.raises(openai.APIError, match="no arm answered"):
                list(client.chat.completions.create(model="auto", messages=HELLO, stream=True))
        else:
            with (
                anthropic.Anthropic(base_url=made.url, api_key="x", max_retries=0) as other,
                pytest.raises(anthropic.APIError, match="no arm answered"),
                other.messages.stream(model="auto", messages=HELLO, max_tokens=9) as stream,
            ):
                list(stream)
        timer.join()
