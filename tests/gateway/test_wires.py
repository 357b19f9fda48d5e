"""Callers of the gateway's wires before arms of the others', end to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from clients.official import ANSWER, MODEL, QUESTION, Echo, sandbox
from gateway.gates import Gate, gate
from metallm.core.arm import Arm
from metallm.core.wires import BEDROCK, GEMINI, RESPONSES
from metallm.providers.http import HttpProvider
from servers import running

pytest.importorskip("botocore")

SECRETS = {
    "AWS_ACCESS_KEY_ID": "sandbox",
    "AWS_SECRET_ACCESS_KEY": "sandbox",
    "AWS_REGION": "eu-west-1",
}
ROOTS = {GEMINI: "/v1beta", BEDROCK: "", RESPONSES: "/v1"}
TYPES = {
    GEMINI: "text/event-stream",
    BEDROCK: "application/vnd.amazon.eventstream",
    RESPONSES: "text/event-stream",
}
ASK: Any = {"messages": [{"role": "user", "content": QUESTION}]}
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
wires = pytest.mark.parametrize("wire", [GEMINI, BEDROCK, RESPONSES])


@contextmanager
def before(url: str, *wires: str) -> Iterator[Gate]:
    """A gateway whose arms are named after their wires."""
    arms = [
        Arm(f"{wire}/arm", 2.0, 10.0, 0.2, model=MODEL, base_url=url + ROOTS[wire], wire=wire)
        for wire in wires
    ]
    provider = HttpProvider(environ=SECRETS, max_retries=0)
    with gate(provider=provider, arms=arms) as made:
        yield made


@wires
def test_openais_client_is_answered_whole_and_streamed(wire: str) -> None:
    with sandbox() as url, before(url, wire) as made, made.client() as client:
        raw = client.chat.completions.with_raw_response.create(model="auto", **ASK)
        answer = raw.parse()
        assert answer.choices[0].message.content == ANSWER
        assert (answer.model, answer.object) == (f"{wire}/arm", "chat.completion")
        assert float(raw.headers["x-metallm-cost-usd"]) == pytest.approx(90e-6)
        options: Any = {"stream": True, "stream_options": {"include_usage": True}}
        chunks = list(client.chat.completions.create(model="auto", **ASK, **options))
        said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert said == ANSWER
        assert chunks[-1].usage.prompt_tokens == 20
        assert {chunk.model for chunk in chunks} == {f"{wire}/arm"}


@wires
def test_anthropics_client_is_answered_too(wire: str) -> None:
    with sandbox() as url, before(url, wire) as made:
        asked = {"model": "auto", "max_tokens": 9, **ASK}
        told = made.send("POST", "/v1/messages", asked).json
        assert told["content"] == [{"type": "text", "text": ANSWER}]
        assert told["usage"]["input_tokens"] == 20
        stream = made.send("POST", "/v1/messages", {**asked, "stream": True}).body
        assert b"event: message_stop" in stream


@pytest.mark.parametrize("wire", [GEMINI, RESPONSES])
def test_clients_of_openais_responses_are_answered_too(wire: str) -> None:
    with sandbox() as url, before(url, wire) as made, made.client() as client:
        asked: Any = {"model": "auto", "input": QUESTION, "instructions": "be brief"}
        answer = client.responses.create(**asked)
        assert (answer.output_text, answer.model) == (ANSWER, f"{wire}/arm")
        assert answer.usage is not None
        assert answer.usage.input_tokens == 20
        with client.responses.stream(**asked) as stream:
            assert stream.until_done().get_final_response().output_text == ANSWER
        for number in range(2):
            assert made.router.outcomes(f"dec_{number}")[0].cost_usd == pytest.approx(90e-6)


@wires
def test_calls_of_tools_come_with_thoughts_and_their_bill(wire: str) -> None:
    with running(Echo(wire, TYPES[wire])) as url, before(url, wire) as made:
        told = made.chat(tools=[TOOL]).json
        message = told["choices"][0]["message"]
        assert (message["content"], message["reasoning_content"]) == ("let me see", "hm")
        calls = message["tool_calls"]
        assert [call["function"]["name"] for call in calls] == ["weather", "time"]
        assert calls[0]["function"]["arguments"] == '{"city":"Ulm"}'
        assert told["choices"][0]["finish_reason"] == "tool_calls"
        # 20 plain, 30 from the cache, 20 out
        (outcome,) = made.router.outcomes("dec_0")
        assert outcome.cost_usd == pytest.approx((20 * 2.0 + 30 * 0.2 + 20 * 10.0) / 1e6)


def test_what_one_wire_cannot_carry_goes_to_another() -> None:
    with sandbox() as url, before(url, GEMINI, BEDROCK) as made:
        for _ in range(5):
            assert made.chat(**ASK, seed=7).json["model"] == f"{GEMINI}/arm"
        refused = made.chat(**ASK, model=f"{BEDROCK}/arm", seed=7)
        assert refused.status == 400
        assert "Bedrock's Converse cannot carry seed" in refused.error["message"]


def test_an_arm_that_breaks_leaves_the_query_to_the_next() -> None:
    with sandbox() as whole, sandbox(faults={"malformed": 1.0}) as broken:
        arms = [
            Arm("bad/arm", 1.0, 1.0, model=MODEL, base_url=broken, wire=BEDROCK),
            Arm("good/arm", 9.0, 9.0, model=MODEL, base_url=f"{whole}/v1beta", wire=GEMINI),
        ]
        provider = HttpProvider(environ=SECRETS, max_retries=0)
        with gate(provider=provider, arms=arms) as made:
            for _ in range(4):
                reply = made.chat(**ASK)
                assert (reply.status, reply.json["model"]) == (200, "good/arm")
