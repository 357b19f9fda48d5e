from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest

from doubles import CHEAP, DEAR
from gateway.gates import BOTH, CHAT, HELLO, Gate, gate
from metallm.core.arm import Arm
from metallm.core.completion import Completion
from metallm.core.price import Usage
from metallm.errors import ProviderUnavailableError
from metallm.providers.scripted import ScriptedProvider

NAMES = {"sim/cheap", "sim/dear"}
TOOL: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def refusing() -> Iterator[Gate]:
    """A gateway for requests that change nothing, so that they can share it."""
    with gate() as made:
        yield made


def sent(made: Gate) -> dict[str, Any]:
    """The body of the newest call to an arm."""
    return dict(made.provider.calls[-1][1].body)


def test_the_official_client_gets_a_routed_answer_under_the_arms_name() -> None:
    with gate() as made, made.client() as client:
        answer = client.chat.completions.create(model="auto", messages=HELLO)
        assert answer.model in NAMES
        assert answer.choices[0].message.content == BOTH[answer.model]
        assert answer.usage is not None
        assert answer.usage.total_tokens == 15


def test_the_asynchronous_client_gets_one_too() -> None:
    async def ask(url: str) -> str | None:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", timeout=20) as client:
            answer = await client.chat.completions.create(model="sim/dear", messages=HELLO)
            return answer.choices[0].message.content

    with gate() as made:
        assert asyncio.run(ask(made.url)) == "hi from dear"


def test_the_headers_tell_the_decision_and_the_bill() -> None:
    with gate() as made:
        reply = made.chat()
        decision = made.router.decision("dec_0")
        assert reply.headers["x-metallm-decision-id"] == "dec_0"
        assert reply.headers["x-metallm-arm"] == decision.arm == reply.json["model"]
        assert float(reply.headers["x-metallm-propensity"]) == decision.propensity
        assert reply.headers["x-metallm-policy"] == "squarecb"
        assert float(reply.headers["x-metallm-overhead-ms"]) > 0
        price = made.router.arms[decision.arm].list_price
        assert price is not None
        assert float(reply.headers["x-metallm-cost-usd"]) == price.cost_usd(Usage(10, 5))
        assert "e" not in reply.headers["x-metallm-cost-usd"]
        assert "x-metallm-cost-estimated" not in reply.headers
        assert uuid.UUID(reply.headers["x-request-id"]).version == 4


def test_a_bill_that_was_guessed_says_so_and_an_unknown_one_is_left_out() -> None:
    provider = ScriptedProvider({"sim/cheap": "hi", "sim/odd": "hi"}, usage=None)
    arms = [CHEAP, Arm("sim/odd", price="unknown")]
    with gate(provider=provider, arms=arms) as made:
        guessed = made.chat(model="sim/cheap")
        assert guessed.headers["x-metallm-cost-estimated"] == "true"
        assert float(guessed.headers["x-metallm-cost-usd"]) > 0
        unknown = made.chat(model="sim/odd")
        assert "x-metallm-cost-usd" not in unknown.headers
        assert "x-metallm-cost-estimated" not in unknown.headers


def test_a_named_arm_is_asked_and_the_decision_says_that_it_was_named() -> None:
    with gate() as made:
        reply = made.chat(model="sim/dear")
        assert reply.headers["x-metallm-arm"] == "sim/dear"
        assert reply.headers["x-metallm-policy"] == "named"
        assert float(reply.headers["x-metallm-propensity"]) == 1.0
        assert made.provider.count("sim/dear") == 1


def test_fields_that_nobody_here_knows_reach_the_arm() -> None:
    with gate() as made, made.client() as client:
        client.chat.completions.create(
            model="auto",
            messages=HELLO,
            tools=[TOOL],
            temperature=0.25,
            extra_body={"brand_new": {"deep": [1, None]}, "metallm": {"task": "greeting"}},
        )
        body = sent(made)
        assert body["tools"] == [TOOL]
        assert body["temperature"] == 0.25
        assert body["brand_new"] == {"deep": [1, None]}
        assert "metallm" not in body
        assert made.router.decision("dec_0").task == "greeting"


def test_tool_calls_and_unknown_fields_of_the_answer_reach_the_client() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    document = {
        "id": "x",
        "object": "chat.completion",
        "created": 7,
        "model": "upstream-name",
        "system_fingerprint": "fp",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {"role": "assistant", "content": None, "tool_calls": [call]},
            }
        ],
        "brand_new": [1.5],
    }
    completion = Completion("sim/cheap", "", None, 0.0, orjson.dumps(document))
    with gate({"sim/cheap": completion}) as made:
        reply = made.chat(model="sim/cheap", tools=[TOOL])
        assert reply.json == {**document, "model": "sim/cheap"}


def test_the_extension_narrows_the_choice_and_weighs_the_cost() -> None:
    with gate() as made:
        for _ in range(5):
            reply = made.chat(metallm={"arms": ["sim/dear"], "cost_weight": 0})
            assert reply.headers["x-metallm-arm"] == "sim/dear"
        decision = made.router.decision("dec_0")
        assert decision.cost_weight == 0
        assert list(decision.propensities) == ["sim/dear"]


def test_after_a_fallback_the_arm_that_answered_is_told_and_no_own_time() -> None:
    script: Any = {"sim/cheap": ProviderUnavailableError("sim/cheap", "down"), "sim/dear": "here"}
    with gate(script, policy="fixed:sim/cheap") as made:
        reply = made.chat()
        assert reply.headers["x-metallm-arm"] == reply.json["model"] == "sim/dear"
        assert "x-metallm-overhead-ms" not in reply.headers
        kinds = [outcome.kind for outcome in made.router.outcomes("dec_0")]
        assert kinds == ["failure", "completion"]


def test_an_arm_whose_name_no_header_can_carry_is_percent_encoded() -> None:
    arms = [Arm("sim/größe", 1.0, 1.0), DEAR]
    with gate({"sim/größe": "hi", "sim/dear": "hi"}, arms=arms) as made:
        reply = made.chat(model="sim/größe")
        assert reply.json["model"] == "sim/größe"
        assert reply.headers["x-metallm-arm"] == "sim/gr%C3%B6%C3%9Fe"


def test_the_query_is_logged_only_where_prompts_are() -> None:
    with gate() as made:
        made.chat()
        assert made.router.decision("dec_0").text is None
        assert "hello there" not in made.log.getvalue()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"messages": "hello"}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": []}, None),
        ({"messages": [{"content": "no role"}]}, None),
        ({"messages": [{"role": "system", "content": "no user"}]}, None),
        ({"messages": [{"role": "user", "content": "  "}]}, None),
        ({"stream": "yes"}, "stream"),
        ({"metallm": "greeting"}, "metallm"),
        ({"metallm": {"tasks": "greeting"}}, "metallm.tasks"),
        ({"metallm": {"task": 7}}, "metallm.task"),
        ({"metallm": {"arms": "sim/dear"}}, "metallm.arms"),
        ({"metallm": {"arms": []}}, "metallm.arms"),
        ({"metallm": {"arms": [7]}}, "metallm.arms[0]"),
        ({"metallm": {"cost_weight": True}}, "metallm.cost_weight"),
        ({"metallm": {"cost_weight": -1}}, None),
        ({"model": "sim/dear", "metallm": {"arms": ["sim/dear"]}}, "metallm.arms"),
    ],
)
def test_a_request_that_cannot_be_used_is_refused_before_any_arm_is_asked(
    refusing: Gate, change: dict[str, Any], param: str | None
) -> None:
    reply = refusing.chat(**change)
    assert reply.status == 400
    assert reply.error["type"] == "invalid_request_error"
    assert reply.error["param"] == param
    assert reply.headers["x-should-retry"] == "false"
    assert refusing.provider.calls == []
    assert refusing.router.knowledge.decisions == 0


@pytest.mark.parametrize("change", [{"model": "gpt-9"}, {"metallm": {"arms": ["gpt-9"]}}])
def test_an_unknown_model_is_not_found_and_the_arms_are_listed(
    refusing: Gate, change: dict[str, Any]
) -> None:
    reply = refusing.chat(**change)
    assert reply.status == 404
    assert reply.error["code"] == "model_not_found"
    assert "sim/cheap, sim/dear" in reply.error["message"]


def test_a_long_name_does_not_come_back_whole(refusing: Gate) -> None:
    assert len(refusing.chat(model="x" * 50_000).body) < 5_000


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff", b"[1]", b'"text"', b"null"])
def test_a_body_that_is_no_json_object_is_refused(refusing: Gate, raw: bytes) -> None:
    reply = refusing.send("POST", CHAT, raw=raw)
    assert reply.status == 400
    assert reply.error["code"] == "invalid_request"


def test_a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not() -> None:
    with gate(max_body_bytes=1000) as made:
        told = made.send("POST", CHAT, raw=b" " * 1001)
        assert (told.status, told.error["code"]) == (413, "body_too_large")
        untold = made.send(
            "POST",
            CHAT,
            raw=b"3e8\r\n" + b" " * 1000 + b"\r\n1\r\n \r\n0\r\n\r\n",
            headers={"Transfer-Encoding": "chunked"},
        )
        assert (untold.status, untold.error["code"]) == (413, "body_too_large")
        assert made.chat().status == 200
