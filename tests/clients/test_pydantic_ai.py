"""Pydantic AI's agents, unchanged, before the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import openai
import pytest
from pydantic import BaseModel

from clients.helpful import HELLO, helpful_gate
from gateway.gates import Gate

pydantic_ai = pytest.importorskip(
    "pydantic_ai", reason="Pydantic AI is not installed: pip install 'metallm[clients]'"
)
T = TypeVar("T")


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


def asked(made: Gate, ask: Callable[[Any], Awaitable[T]], *, responses: bool = False) -> T:
    """What comes of a model before the gateway, in a loop of its own."""
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async def run() -> T:
        url = f"{made.url}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
            kind = OpenAIResponsesModel if responses else OpenAIChatModel
            return await ask(kind("auto", provider=OpenAIProvider(openai_client=client)))

    return asyncio.run(run())


@pytest.mark.parametrize("responses", [False, True])
def test_an_answer_comes_with_its_arm_and_usage(made: Gate, responses: bool) -> None:
    async def ask(model: Any) -> Any:
        return await pydantic_ai.Agent(model, instructions="be brief").run("hello")

    told = asked(made, ask, responses=responses)
    assert told.output == HELLO
    assert told.response.model_name.startswith("sim/")
    usage = told.response.usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens) == (50, 30, 20)


@pytest.mark.parametrize("responses", [False, True])
def test_a_stream_adds_up(made: Gate, responses: bool) -> None:
    async def ask(model: Any) -> tuple[list[str], Any]:
        async with pydantic_ai.Agent(model).run_stream("hello") as stream:
            pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
            return pieces, stream.response

    pieces, response = asked(made, ask, responses=responses)
    assert len(pieces) > 1
    assert "".join(pieces) == HELLO
    assert response.usage.output_tokens == 20


@pytest.mark.parametrize("responses", [False, True])
def test_tools_are_called_and_their_results_come_back(made: Gate, responses: bool) -> None:
    async def ask(model: Any) -> Any:
        return await pydantic_ai.Agent(model, tools=[weather]).run("weather in Oslo?")

    told = asked(made, ask, responses=responses)
    assert told.output == "it is rain in Oslo"
    assert told.usage.requests == 2


@pytest.mark.parametrize("form", ["ToolOutput", "NativeOutput"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_is_filled(made: Gate, form: str, streamed: bool) -> None:
    async def ask(model: Any) -> Any:
        agent = pydantic_ai.Agent(model, output_type=getattr(pydantic_ai, form)(Place))
        if not streamed:
            return (await agent.run("where?")).output
        async with agent.run_stream("where?") as stream:
            return await stream.get_output()

    assert asked(made, ask) == Place(city="Oslo", days=7)


def test_hints_go_by_the_body_or_by_headers(made: Gate) -> None:
    for hints in (
        {"extra_body": {"metallm": {"arms": ["sim/dear"]}}},
        {"extra_headers": {"x-metallm-arms": "sim/dear"}},
    ):

        async def ask(model: Any, hints: Any = hints) -> Any:
            return await pydantic_ai.Agent(model, model_settings=hints).run("hello")

        assert asked(made, ask).response.model_name == "sim/dear"


def test_an_error_is_one_that_it_knows(made: Gate) -> None:
    async def ask(model: Any) -> Any:
        hints = {"extra_body": {"metallm": {"arms": ["sim/none"]}}}
        return await pydantic_ai.Agent(model, model_settings=hints).run("hello")

    with pytest.raises(pydantic_ai.ModelHTTPError, match="sim/none") as missing:
        asked(made, ask)
    assert missing.value.status_code == 404
