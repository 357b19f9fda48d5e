"""Google's official client, unchanged, before the sandbox and before what our wire writes."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from clients.official import ANSWER, QUESTION, USAGE, Echo, sandbox
from metallm.core.wires import GEMINI
from servers import running

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its imports, which are not ours to mend
    genai = pytest.importorskip("google.genai")
    errors = pytest.importorskip("google.genai.errors")
    types = pytest.importorskip("google.genai.types")

EVENTS = "text/event-stream"
MODEL = "big-v1:0"
"""The client takes a name with a slash for a full path."""


@contextmanager
def client_of(url: str) -> Iterator[Any]:
    made = genai.Client(api_key="caller-key", http_options={"base_url": url, "timeout": 20_000})
    try:
        yield made
    finally:
        made.close()


def ask(client: Any, **options: Any) -> Any:
    return client.models.generate_content(model=MODEL, contents=QUESTION, **options)


def test_an_answer_comes_with_its_reason_model_and_usage() -> None:
    with sandbox() as url, client_of(url) as client:
        answer = ask(client)
        assert answer.text == ANSWER
        assert answer.candidates[0].finish_reason == types.FinishReason.STOP
        assert answer.model_version == MODEL
        usage = answer.usage_metadata
        assert (usage.prompt_token_count, usage.candidates_token_count) == (20, 5)


def test_a_stream_adds_up_to_the_answer() -> None:
    with sandbox() as url, client_of(url) as client:
        chunks = list(client.models.generate_content_stream(model=MODEL, contents=QUESTION))
        assert "".join(chunk.text or "" for chunk in chunks) == ANSWER
        assert len(chunks) == 5
        assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
        assert chunks[-1].usage_metadata.total_token_count == 25
        assert {chunk.response_id for chunk in chunks} == {"sandbox-0"}


@pytest.mark.filterwarnings("ignore:Inheritance class")  # the client's own, of aiohttp
def test_the_asynchronous_client_does_both() -> None:
    async def main(client: Any) -> tuple[str, str]:
        models = client.aio.models
        whole = await models.generate_content(model=MODEL, contents=QUESTION)
        stream = await models.generate_content_stream(model=MODEL, contents=QUESTION)
        said = [chunk.text or "" async for chunk in stream]
        await client.aio.aclose()
        return whole.text, "".join(said)

    with sandbox() as url, client_of(url) as client:
        assert asyncio.run(main(client)) == (ANSWER, ANSWER)


def test_tokens_are_counted() -> None:
    with sandbox() as url, client_of(url) as client:
        assert client.models.count_tokens(model=MODEL, contents=QUESTION).total_tokens == 20


def test_errors_come_as_the_classes_of_the_client() -> None:
    with sandbox() as url, client_of(url) as client:
        with pytest.raises(errors.ClientError, match="no recorded model is called") as raised:
            client.models.generate_content(model="none", contents=QUESTION)
        assert (raised.value.code, raised.value.status) == (404, "NOT_FOUND")
    with sandbox(faults={"error": 1.0}) as url, client_of(url) as client:
        with pytest.raises(errors.ServerError, match="as it was told to") as raised:
            ask(client)
        assert (raised.value.code, raised.value.status) == (500, "INTERNAL")
    with sandbox(faults={"rate_limit": 1.0}, retry_after_s=3) as url, client_of(url) as client:
        with pytest.raises(errors.ClientError) as raised:
            ask(client)
        assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")
        assert raised.value.response.headers["retry-after"] == "3"


def test_a_missing_usage_is_missing() -> None:
    with sandbox(faults={"no_usage": 1.0}) as url, client_of(url) as client:
        assert ask(client).usage_metadata is None


def test_what_the_client_asks_becomes_canonical() -> None:
    echo = Echo(GEMINI, EVENTS)
    call = types.Part.from_function_call(name="weather", args={"city": "Ulm"})
    result = types.Part.from_function_response(name="weather", response={"output": "rain"})
    image = types.Part.from_bytes(data=b"hi", mime_type="image/png")
    turns = [
        types.Content(role="user", parts=[types.Part(text="What is this?"), image]),
        types.Content(role="model", parts=[call]),
        types.Content(role="user", parts=[result]),
    ]
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}
    function = types.FunctionDeclaration(name="weather", parameters=schema)
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        max_output_tokens=9,
        temperature=0.5,
        stop_sequences=["END"],
        thinking_config=types.ThinkingConfig(thinking_budget=1024),
        tools=[types.Tool(function_declarations=[function])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode="ANY")
        ),
    )
    with running(echo) as url, client_of(url) as client:
        client.models.generate_content(model=MODEL, contents=turns, config=config)
    (asked,) = echo.asked
    assert asked.native is not None
    assert asked.native.bound == ()
    system, first, called, told = asked.body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert first["content"][1]["image_url"]["url"] == "data:image/png;base64,aGk="
    assert called["tool_calls"][0]["function"]["arguments"] == '{"city":"Ulm"}'
    assert (told["tool_call_id"], told["content"]) == (called["tool_calls"][0]["id"], "rain")
    assert asked.body["tools"][0]["function"]["parameters"]["type"] == "object"
    assert (asked.body["max_tokens"], asked.body["stop"]) == (9, ["END"])
    assert (asked.body["tool_choice"], asked.body["reasoning_effort"]) == ("required", "low")


def test_thoughts_and_calls_are_read_by_the_client_whole_and_streamed() -> None:
    with running(Echo(GEMINI, EVENTS)) as url, client_of(url) as client:
        answer = ask(client)
        first, second = answer.function_calls
        assert (first.id, first.name, first.args) == ("call_0", "weather", {"city": "Ulm"})
        assert (second.name, second.args) == ("time", {})
        parts = answer.candidates[0].content.parts
        assert [(part.text, part.thought) for part in parts[:2]] == [
            ("hm", True),
            ("let me see", None),
        ]
        usage = answer.usage_metadata
        assert usage.prompt_token_count == USAGE.input_tokens
        assert usage.cached_content_token_count == USAGE.cached_tokens
        assert usage.thoughts_token_count == USAGE.reasoning_tokens
        assert usage.candidates_token_count == USAGE.output_tokens - USAGE.reasoning_tokens
        chunks = list(client.models.generate_content_stream(model=MODEL, contents=QUESTION))
        calls = [call.name for chunk in chunks for call in chunk.function_calls or []]
        assert calls == ["weather", "time"]
        assert chunks[-1].usage_metadata.thoughts_token_count == USAGE.reasoning_tokens


def test_an_error_within_a_stream_is_raised_by_the_client() -> None:
    with running(Echo(GEMINI, EVENTS, broken=True)) as url, client_of(url) as client:
        with pytest.raises(errors.ClientError, match="too many at once") as raised:
            list(client.models.generate_content_stream(model=MODEL, contents=QUESTION))
        assert raised.value.code == 429
