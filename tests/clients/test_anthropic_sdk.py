"""Anthropic's official client, unchanged, before the gateway and before the sandbox."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pyarrow as pa
import pytest

from gateway.gates import Gate, gate
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.wires import ANTHROPIC
from metallm.providers.http import HttpProvider
from metallm.providers.scripted import ScriptedProvider
from metallm.sandbox.app import create_app
from metallm.tables.recordings import Recordings
from metallm.wire.openai_stream import write_chunk
from servers import running

anthropic = pytest.importorskip("anthropic")

QUESTION = "an easy one: what is right?"
RECORDED = Recordings.read(
    pa.Table.from_pylist(
        [
            {
                "query": QUESTION,
                "model": model,
                "response": "that is right",
                "score": 1.0,
                "input_tokens": 20,
                "output_tokens": 5,
            }
            for model in ("sim/cheap", "sim/dear")
        ]
    )
)
ASK: Any = {"max_tokens": 100, "messages": [{"role": "user", "content": QUESTION}]}
TOOL: Any = {
    "name": "weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def client_of(url: str, **options: Any) -> Any:
    return anthropic.Anthropic(base_url=url, api_key="caller-key", max_retries=0, **options)


@contextmanager
def before_a_sandbox(wire: str | None) -> Iterator[Gate]:
    """A gateway whose arms are the sandbox, asked in a wire."""
    with running(create_app(RECORDED)) as upstream:
        arms = [
            Arm(f"sim/{name}", price, price, base_url=f"{upstream}/v1", wire=wire)
            for name, price in (("cheap", 1.0), ("dear", 5.0))
        ]
        with gate(provider=HttpProvider(), arms=arms) as made:
            yield made


@pytest.fixture(params=[None, ANTHROPIC], ids=["openai arms", "anthropic arms"], scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Gate]:
    with before_a_sandbox(request.param) as gateway:
        yield gateway


def test_a_routed_answer_comes_under_the_arms_name_with_its_decision(made: Gate) -> None:
    with client_of(made.url) as client:
        raw = client.messages.with_raw_response.create(model="auto", **ASK)
        answer = raw.parse()
        assert answer.type == "message"
        assert [(block.type, block.text) for block in answer.content] == [("text", "that is right")]
        assert answer.model == raw.headers["x-metallm-arm"]
        assert answer.stop_reason == "end_turn"
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (20, 5)
        price = 1.0 if answer.model == "sim/cheap" else 5.0
        assert float(raw.headers["x-metallm-cost-usd"]) == 25 * price / 1e6
        assert raw.headers["request-id"] == raw.headers["x-request-id"]
        judged = made.send(
            "POST",
            "/v1/feedback",
            {"decision_id": raw.headers["x-metallm-decision-id"], "quality": 1.0},
        )
        assert judged.json["arm"] == answer.model


def test_a_stream_adds_up_to_the_answer(made: Gate) -> None:
    with client_of(made.url) as client:
        with client.messages.stream(model="sim/dear", **ASK) as stream:
            pieces = list(stream.text_stream)
            answer = stream.get_final_message()
        assert "".join(pieces) == "that is right"
        assert len(pieces) > 1
        assert answer.content[0].text == "that is right"
        assert (answer.model, answer.stop_reason) == ("sim/dear", "end_turn")
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (20, 5)
        decision = stream.response.headers["x-metallm-decision-id"]
    (outcome,) = made.router.outcomes(decision)
    assert outcome.cost_usd == 25 * 5.0 / 1e6


def test_the_asynchronous_client_does_both(made: Gate) -> None:
    async def ask() -> tuple[str, str]:
        async with anthropic.AsyncAnthropic(base_url=made.url, api_key="k") as client:
            whole = await client.messages.create(model="sim/cheap", **ASK)
            async with client.messages.stream(model="sim/cheap", **ASK) as stream:
                streamed = await stream.get_final_text()
            return whole.content[0].text, streamed

    assert asyncio.run(ask()) == ("that is right", "that is right")


def test_hints_for_the_router_are_taken_out_of_the_body(made: Gate) -> None:
    with client_of(made.url) as client:
        raw = client.messages.with_raw_response.create(
            model="auto", extra_body={"metallm": {"arms": ["sim/dear"], "task": "t"}}, **ASK
        )
        decision = made.router.decision(raw.headers["x-metallm-decision-id"])
        assert (decision.arm, decision.task) == ("sim/dear", "t")


def test_errors_come_as_the_classes_of_the_client(made: Gate) -> None:
    with client_of(made.url) as client:
        with pytest.raises(anthropic.NotFoundError, match="no arm is called 'claude-9'") as missing:
            client.messages.create(model="claude-9", **ASK)
        assert missing.value.type == "not_found_error"
        assert missing.value.error_code == "model_not_found"
        assert uuid.UUID(missing.value.request_id).version == 4
        with pytest.raises(anthropic.BadRequestError) as bad:
            client.messages.create(model="auto", max_tokens=5, messages=[])
        assert bad.value.type == "invalid_request_error"
        with pytest.raises(anthropic.NotFoundError, match="no recorded query") as upstream:
            client.messages.create(
                model="auto", max_tokens=5, messages=[{"role": "user", "content": "never heard"}]
            )
        assert upstream.value.error_code == "query_not_recorded"


def test_the_sandbox_answers_the_client_without_any_gateway() -> None:
    with running(create_app(RECORDED)) as url, client_of(url) as client:
        answer = client.messages.create(model="sim/dear", **ASK)
        assert answer.content[0].text == "that is right"
        with client.messages.stream(model="sim/dear", **ASK) as stream:
            assert stream.get_final_text() == "that is right"
        counted = client.messages.count_tokens(model="sim/dear", messages=ASK["messages"])
        assert counted.input_tokens == answer.usage.input_tokens == 20
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(model="sim/none", **ASK)
        with pytest.raises(anthropic.NotFoundError):
            client.messages.count_tokens(model="sim/none", messages=ASK["messages"])


@pytest.mark.parametrize("rate", [1.0])
def test_faults_of_the_sandbox_are_those_of_the_client(rate: float) -> None:
    with running(create_app(RECORDED, error_rate=rate)) as url, client_of(url) as client:
        kinds = set()
        for _ in range(20):
            with pytest.raises(anthropic.APIStatusError) as raised:
                client.messages.create(model="sim/dear", **ASK)
            kinds.add((type(raised.value).__name__, raised.value.type))
        assert kinds == {
            ("InternalServerError", "api_error"),
            ("RateLimitError", "rate_limit_error"),
        }


CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
}


def called(arm: Arm, request: Any) -> Completion | str:
    """Calls the tool, and tells what came of it."""
    results = [each for each in request.body["messages"] if each["role"] == "tool"]
    if results:
        return f"it is {results[0]['content']} for {results[0]['tool_call_id']}"
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 30, "completion_tokens": 9}
    document = {"id": "a1", "model": "m", "choices": [choice], "usage": usage}
    return Completion(arm.name, "", None, 0.0, orjson.dumps(document))


def test_tools_are_called_and_their_results_come_back() -> None:
    with gate(called) as made, client_of(made.url) as client:
        turns: list[Any] = [{"role": "user", "content": "weather in Oslo?"}]
        asked: Any = {"model": "auto", "max_tokens": 50, "tools": [TOOL], "messages": turns}
        answer = client.messages.create(**asked)
        assert answer.stop_reason == "tool_use"
        (use,) = answer.content
        assert (use.type, use.id, use.name, use.input) == (
            "tool_use",
            "call_1",
            "weather",
            {"city": "Oslo"},
        )
        turns.append({"role": "assistant", "content": answer.content})
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "rain"}
        turns.append({"role": "user", "content": [result]})
        told = client.messages.create(**asked)
        assert told.content[0].text == "it is rain for call_1"
        sent = made.provider.calls[0][1].body["tools"]
        assert sent == [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "parameters": TOOL["input_schema"],
                },
            }
        ]


def test_a_model_that_clients_name_without_its_provider_finds_its_arm() -> None:
    arms = [Arm("anthropic/claude-example-9-1", 3.0, 15.0), Arm("sim/dear", 5.0, 5.0)]
    script = {"anthropic/claude-example-9-1": "bonjour"}
    with gate(script, arms=arms) as made, client_of(made.url) as client:
        for model in ("claude-example-9-1", "claude-example-9-1-20260929"):
            answer = client.messages.create(model=model, **ASK)
            assert answer.model == "anthropic/claude-example-9-1"


def test_the_arms_are_listed_as_models(made: Gate) -> None:
    with client_of(made.url) as client:
        assert [each.id for each in client.models.list()] == ["auto", "sim/cheap", "sim/dear"]
        one = client.models.retrieve("sim/dear")
        assert (one.type, one.display_name) == ("model", "sim/dear")


def test_the_length_of_a_request_is_counted(made: Gate) -> None:
    with client_of(made.url) as client:
        told = client.messages.count_tokens(model="auto", messages=ASK["messages"])
        assert 1 <= told.input_tokens <= 20
        named = client.messages.count_tokens(model="sim/dear", messages=ASK["messages"])
        counts = made.router.arms["sim/dear"].wire == ANTHROPIC
        assert (named.input_tokens == 20) == counts


class Calling(ScriptedProvider):
    """Streams two calls at once, one of them without arguments."""

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        named: Any = {"answer_id": "x", "created": 1, "model": arm.upstream_model}
        for index, pieces in enumerate((["", '{"ci', 'ty":"Oslo"}'], ["{}"])):
            call: dict[str, Any] = {"index": index, "id": f"c{index}", "type": "function"}
            for piece in pieces:
                function = {"name": "weather", "arguments": piece}
                delta = {"tool_calls": [{**call, "function": function}]}
                yield StreamEvent(write_chunk(**named, delta=delta))
                call = {"index": index}
        yield StreamEvent(write_chunk(**named, finish_reason="tool_calls"))


def test_tools_that_are_called_in_a_stream_come_with_their_input() -> None:
    with gate(provider=Calling({})) as made, client_of(made.url) as client:
        with client.messages.stream(
            model="auto", max_tokens=50, tools=[TOOL], messages=ASK["messages"]
        ) as stream:
            answer = stream.get_final_message()
        assert answer.stop_reason == "tool_use"
        assert [(each.type, each.input) for each in answer.content] == [
            ("tool_use", {"city": "Oslo"}),
            ("tool_use", {}),
        ]


def test_the_clients_beta_resources_are_answered_too(made: Gate) -> None:
    with client_of(made.url) as client:
        answer = client.beta.messages.create(model="sim/dear", betas=["some-beta"], **ASK)
        assert answer.content[0].text == "that is right"


def test_openais_client_is_served_by_arms_of_either_wire(made: Gate) -> None:
    with made.client() as client:
        asked: Any = {"model": "sim/dear", "messages": ASK["messages"]}
        answer = client.chat.completions.create(**asked)
        assert answer.choices[0].message.content == "that is right"
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == 20
        chunks = list(client.chat.completions.create(**asked, stream=True))
        said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert said == "that is right"
        assert {chunk.model for chunk in chunks} == {"sim/dear"}
