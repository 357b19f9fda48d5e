"""LangChain's client of OpenAI's API, unchanged, before the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from clients.helpful import HELLO, helpful_gate
from gateway.gates import Gate

langchain_openai = pytest.importorskip(
    "langchain_openai", reason="LangChain is not installed: pip install 'metallm[clients]'"
)


class Place(BaseModel):
    """A place and a time."""

    city: str
    days: int


def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"rain in {city}"


@pytest.fixture(scope="module")
def made() -> Iterator[Gate]:
    with helpful_gate() as gateway:
        yield gateway


def chat(made: Gate, **options: Any) -> Any:
    """Its model of chat, before the gateway."""
    given = {"model": "auto", "max_retries": 0, "timeout": 20, **options}
    return langchain_openai.ChatOpenAI(base_url=f"{made.url}/v1", api_key="none", **given)


def test_an_answer_comes_with_its_arm_usage_and_decision(made: Gate) -> None:
    told = chat(made, include_response_headers=True).invoke("hello")
    assert told.text == HELLO
    assert told.response_metadata["model_name"].startswith("sim/")
    assert told.usage_metadata["input_tokens"] == 50
    assert told.usage_metadata["input_token_details"]["cache_read"] == 30
    assert told.usage_metadata["output_token_details"]["reasoning"] == 8
    judged = {
        "decision_id": told.response_metadata["headers"]["x-metallm-decision-id"],
        "quality": 1.0,
    }
    assert made.send("POST", "/v1/feedback", judged).status == 200


def test_a_stream_adds_up_and_ends_with_its_usage(made: Gate) -> None:
    pieces = list(chat(made, stream_usage=True, include_response_headers=True).stream("hello"))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    assert len(pieces) > 2
    assert whole.text == HELLO
    assert whole.usage_metadata["output_tokens"] == 20
    assert "x-metallm-decision-id" in whole.response_metadata["headers"]


def test_the_asynchronous_side_does_both(made: Gate) -> None:
    async def ask() -> tuple[str, str]:
        model = chat(made)
        whole = await model.ainvoke("hello")
        return whole.text, "".join([piece.text async for piece in model.astream("hello")])

    assert asyncio.run(ask()) == (HELLO, HELLO)


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_schema_is_filled(made: Gate, method: str) -> None:
    told = chat(made).with_structured_output(Place, method=method).invoke("where?")
    assert told == Place(city="Oslo", days=7)


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_and_their_results_come_back(made: Gate, streamed: bool) -> None:
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    model = chat(made).bind_tools([weather])
    turns: list[Any] = [HumanMessage("weather in Oslo?")]
    if streamed:
        pieces = list(model.stream(turns))
        told = pieces[0]
        for piece in pieces[1:]:
            told += piece
    else:
        told = model.invoke(turns)
    (call,) = told.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Oslo"})
    turns.append(AIMessage(content=told.content, tool_calls=told.tool_calls))
    turns.append(ToolMessage(weather(**call["args"]), tool_call_id=call["id"]))
    assert model.invoke(turns).text == "it is rain in Oslo"


def test_the_responses_are_spoken_too(made: Gate) -> None:
    model = chat(made, use_responses_api=True)
    assert model.invoke("hello").text == HELLO
    assert "".join(piece.text for piece in model.stream("hello")) == HELLO
    told = model.with_structured_output(Place, method="json_schema").invoke("where?")
    assert told == Place(city="Oslo", days=7)


def test_hints_go_by_the_body_or_by_headers(made: Gate) -> None:
    by_body = {"extra_body": {"metallm": {"arms": ["sim/dear"], "task": "t"}}}
    by_header = {"default_headers": {"x-metallm-arms": "sim/dear", "x-metallm-task": "t"}}
    for hints in (by_body, by_header):
        told = chat(made, include_response_headers=True, **hints).invoke("hello")
        decision_id = told.response_metadata["headers"]["x-metallm-decision-id"]
        decision = made.router.decision(decision_id)
        assert (decision.arm, decision.task) == ("sim/dear", "t")


def test_an_error_is_one_that_it_knows(made: Gate) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        chat(made, model="gpt-9").invoke("hello")
