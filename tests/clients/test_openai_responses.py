"""OpenAI's official client, unchanged, with its Responses before the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from clients.helpful import HELLO, helpful_gate
from gateway.gates import Gate, gate
from metallm.core.arm import Arm
from metallm.core.wires import ANTHROPIC
from metallm.providers.http import HttpProvider
from metallm.providers.scripted import Cut, ScriptedProvider
from metallm.wire.responses_thoughts import unseal
from metallm.wire.sse import SSEReader
from servers import running

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": SCHEMA,
    "strict": False,
}


EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


class Place(BaseModel):
    city: str
    days: int


@pytest.fixture(scope="module")
def made() -> Iterator[Gate]:
    with helpful_gate() as gateway:
        yield gateway


def test_a_routed_answer_comes_under_the_arms_name_with_its_decision(made: Gate) -> None:
    with made.client() as client:
        raw = client.responses.with_raw_response.create(
            model="auto", input="hello", instructions="be brief", metadata={"team": "a"}
        )
        answer = raw.parse()
    assert answer.output_text == HELLO
    assert answer.model == raw.headers["x-metallm-arm"]
    assert (answer.status, answer.instructions) == ("completed", "be brief")
    assert answer.metadata == {"team": "a"}
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (50, 20)
    assert answer.usage.input_tokens_details.cached_tokens == 30
    assert answer.usage.output_tokens_details.reasoning_tokens == 8
    sent = made.provider.calls[-1][1].body["messages"]
    assert [each["role"] for each in sent] == ["system", "user"]
    told = made.send(
        "POST",
        "/v1/feedback",
        {"decision_id": raw.headers["x-metallm-decision-id"], "quality": 1.0},
    )
    assert told.json["arm"] == answer.model


def test_a_stream_adds_up_to_the_answer(made: Gate) -> None:
    with made.client() as client, client.responses.stream(model="auto", input="hello") as stream:
        events = list(stream)
        answer = stream.get_final_response()
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(pieces) > 1
    assert "".join(pieces) == answer.output_text == HELLO
    assert answer.usage is not None
    assert answer.usage.output_tokens == 20


def test_all_that_is_told_is_of_the_types_that_the_client_declares(made: Gate) -> None:
    asked = {"model": "auto", "input": "hello", "tools": [TOOL]}
    whole = made.send("POST", "/v1/responses", asked)
    assert Response.model_validate_json(whole.body).output[0].type == "function_call"
    for stream in (asked, {**asked, "tools": []}):
        told = made.send("POST", "/v1/responses", {**stream, "stream": True})
        events = SSEReader().feed(told.body)
        assert len(events) > 6
        for event in events:
            EVENTS.validate_json(event)


def test_events_without_any_help_of_the_client_tell_all(made: Gate) -> None:
    with made.client() as client:
        events = list(client.responses.create(model="auto", input="hello", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [events[0].type, events[-1].type] == ["response.created", "response.completed"]


def test_the_asynchronous_client_does_both(made: Gate) -> None:
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{made.url}/v1", api_key="k") as client:
            whole = await client.responses.create(model="sim/cheap", input="hello")
            async with client.responses.stream(model="sim/cheap", input="hello") as stream:
                streamed = await stream.get_final_response()
            return whole.output_text, streamed.output_text

    assert asyncio.run(ask()) == (HELLO, HELLO)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_schema_is_kept_to_and_parsed(made: Gate, streamed: bool) -> None:
    asked: Any = {"model": "auto", "input": "where?", "text_format": Place}
    with made.client() as client:
        if streamed:
            with client.responses.stream(**asked) as stream:
                answer = stream.get_final_response()
        else:
            answer = client.responses.parse(**asked)
    assert answer.output_parsed == Place(city="Oslo", days=7)
    sent = made.provider.calls[-1][1].body["response_format"]
    assert sent["json_schema"]["name"] == "Place"
    assert sent["json_schema"]["strict"] is True


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_and_their_results_come_back(made: Gate, streamed: bool) -> None:
    turns: list[Any] = [{"role": "user", "content": "weather in Oslo?"}]
    asked: Any = {"model": "auto", "tools": [TOOL], "store": False}
    with made.client() as client:
        if streamed:
            with client.responses.stream(input=turns, **asked) as stream:
                events = list(stream)
                answer = stream.get_final_response()
            (done,) = (
                each for each in events if each.type == "response.function_call_arguments.done"
            )
            assert done.arguments == '{"city":"Oslo"}'
            # not every version of the client declares it; those that do need it
            assert done.to_dict()["name"] == "weather"
        else:
            answer = client.responses.create(input=turns, **asked)
        (call,) = answer.output
        assert call.type == "function_call"
        assert (call.name, call.arguments) == ("weather", '{"city":"Oslo"}')
        turns += [item.to_dict() for item in answer.output]
        turns.append({"type": "function_call_output", "call_id": call.call_id, "output": "rain"})
        told = client.responses.create(input=turns, **asked)
    assert told.output_text == "it is rain"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"background": True}, "background"),
        ({"store": True}, "store"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(
    made: Gate, asked: dict[str, Any], param: str
) -> None:
    with made.client() as client, pytest.raises(openai.BadRequestError, match="served") as refused:
        client.responses.create(model="auto", input="hello", **asked)
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"


def test_what_was_answered_before_cannot_be_fetched(made: Gate) -> None:
    with made.client() as client, pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_1")


def test_an_unknown_model_is_told_in_the_clients_own_words(made: Gate) -> None:
    with made.client() as client, pytest.raises(openai.NotFoundError, match="gpt-9") as missing:
        client.responses.create(model="gpt-9", input="hello")
    assert missing.value.code == "model_not_found"


def test_a_stream_that_breaks_off_ends_as_a_failed_response() -> None:
    script = {"sim/cheap": Cut("so far"), "sim/dear": Cut("so far")}
    with gate(provider=ScriptedProvider(script)) as made, made.client() as client:
        events = list(client.responses.create(model="sim/dear", input="hello", stream=True))
    last = events[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.code == "server_error"
    assert "sim/dear" in last.response.error.message
    assert last.response.output_text == "so far"


def test_hints_for_the_router_are_taken_out_of_the_body(made: Gate) -> None:
    with made.client() as client:
        hints = {"metallm": {"arms": ["sim/dear"], "task": "t"}}
        raw = client.responses.with_raw_response.create(
            model="auto", input="hello", extra_body=hints
        )
    decision = made.router.decision(raw.headers["x-metallm-decision-id"])
    assert (decision.arm, decision.task) == ("sim/dear", "t")


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "signed"}
ANTHROPIC_ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "stop_reason": "tool_use",
    "content": [
        THOUGHT,
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
    ],
    "usage": {"input_tokens": 5, "output_tokens": 3},
}


def test_what_an_anthropic_arm_thought_comes_back_to_it_with_its_signature() -> None:
    asked: list[Any] = []

    async def upstream(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        message = await receive()
        asked.append(orjson.loads(message["body"]))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps(ANTHROPIC_ANSWER)})

    with running(upstream) as url:
        arm = Arm("sim/claude", 1.0, 1.0, base_url=url, wire=ANTHROPIC)
        with gate(provider=HttpProvider(), arms=[arm]) as made, made.client() as client:
            turns: list[Any] = [{"role": "user", "content": "weather in Oslo?"}]
            more: Any = {
                "model": "auto",
                "tools": [TOOL],
                "include": ["reasoning.encrypted_content"],
            }
            answer = client.responses.create(input=turns, **more)
            thoughts, call = answer.output
            assert (thoughts.type, call.type) == ("reasoning", "function_call")
            assert unseal(thoughts.encrypted_content) == [THOUGHT]
            turns += [item.to_dict() for item in answer.output]
            turns.append({"type": "function_call_output", "call_id": "toolu_1", "output": "rain"})
            client.responses.create(input=turns, **more)
    assert asked[1]["messages"][1]["content"][0] == THOUGHT
