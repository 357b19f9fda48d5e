"""Instructor around OpenAI's client, unchanged, before the gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import orjson
import pytest
from pydantic import BaseModel, field_validator

from clients.helpful import calling, filled, helpful, helpful_gate, saying
from gateway.gates import HELLO, Gate
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion

instructor = pytest.importorskip(
    "instructor", reason="Instructor is not installed: pip install 'metallm[clients]'"
)
OSLO = {"city": "Oslo", "days": 7}
FORMS = ("TOOLS", "JSON_SCHEMA")


class Place(BaseModel):
    city: str
    days: int


class Soon(BaseModel):
    """A place that is reached within three days."""

    days: int

    @field_validator("days")
    @classmethod
    def soon(cls, days: int) -> int:
        """Refuse what takes longer."""
        if days > 3:
            raise ValueError("it must be 3 days at most")
        return days


@pytest.fixture(scope="module")
def made() -> Iterator[Gate]:
    with helpful_gate() as gateway:
        yield gateway


@contextmanager
def filling(made: Gate, form: str = "TOOLS") -> Iterator[Any]:
    """Its client before the gateway."""
    with made.client() as client:
        yield instructor.from_openai(client, mode=instructor.Mode[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_model_is_filled_and_the_completion_comes_along(made: Gate, form: str) -> None:
    with filling(made, form) as client:
        place, answer = client.chat.completions.create_with_completion(
            model="auto", messages=HELLO, response_model=Place
        )
    assert place.model_dump() == OSLO
    assert answer.model.startswith("sim/")
    assert answer.usage.completion_tokens == 20


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_fills_it_piece_by_piece(form: str) -> None:
    def spaced(arm: Arm, request: ChatRequest) -> Completion:
        """As the helpful one, with a blank after each sign, where its stream is parted."""
        told = helpful(arm, request)
        return saying(arm, json.dumps(json.loads(told.text))) if told.text else told

    with helpful_gate(spaced) as made, filling(made, form) as client:
        pieces = list(
            client.chat.completions.create_partial(
                model="auto", messages=HELLO, response_model=Place
            )
        )
    assert len(pieces) > 1
    assert pieces[-1].model_dump() == OSLO


def test_without_a_model_the_answer_comes_as_it_is(made: Gate) -> None:
    with filling(made) as client:
        told = client.chat.completions.create(model="auto", messages=HELLO, response_model=None)
    assert told.choices[0].message.content == "hello there, friend"


def test_the_asynchronous_client_fills_it(made: Gate) -> None:
    async def ask() -> Any:
        async with openai.AsyncOpenAI(base_url=f"{made.url}/v1", api_key="k") as plain:
            client = instructor.from_openai(plain)
            return await client.chat.completions.create(
                model="auto", messages=HELLO, response_model=Place
            )

    assert asyncio.run(ask()).model_dump() == OSLO


def test_what_does_not_pass_is_asked_again_with_the_reason() -> None:
    def hasty(arm: Arm, request: ChatRequest) -> Completion:
        (tool,) = request.body["tools"]
        given = filled(tool["function"]["parameters"])
        again = any(each["role"] == "tool" for each in request.body["messages"])
        return calling(arm, tool["function"]["name"], {**given, "days": 2 if again else 9})

    with helpful_gate(hasty) as made, filling(made) as client:
        told = client.chat.completions.create(
            model="auto", messages=HELLO, response_model=Soon, max_retries=2
        )
        asked = [request.body["messages"] for _, request in made.provider.calls]
    assert told.days == 2
    assert len(asked) == 2
    assert "3 days at most" in orjson.dumps(asked[1]).decode()


def test_hints_and_headers_pass_through_it(made: Gate) -> None:
    seen: list[Any] = []

    def note(response: Any) -> None:
        seen.append(response.headers)

    listening = openai.DefaultHttpxClient(event_hooks={"response": [note]})
    with made.client(http_client=listening) as plain:
        client = instructor.from_openai(plain)
        client.chat.completions.create(
            model="auto",
            messages=HELLO,
            response_model=Place,
            extra_body={"metallm": {"arms": ["sim/dear"]}},
        )
    (headers,) = seen
    assert headers["x-metallm-arm"] == "sim/dear"
    judged = {"decision_id": headers["x-metallm-decision-id"], "quality": 1.0}
    assert made.send("POST", "/v1/feedback", judged).status == 200
