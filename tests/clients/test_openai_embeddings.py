"""OpenAI's official client, unchanged, with embeddings of the sandbox behind the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from clients.official import sandbox
from gateway.gates import Gate, gate
from metallm.core.arm import Arm
from metallm.gateway.rules import Rules
from metallm.providers.http import HttpProvider

NAME = "acme/embedder"


@pytest.fixture(scope="module")
def made() -> Iterator[Gate]:
    with sandbox() as url:
        model = Arm(NAME, 0.02, 0.0, base_url=f"{url}/v1")
        rules = Rules(embeddings=(model,), poster=HttpProvider(max_retries=0))
        with gate(rules=rules) as gateway:
            yield gateway


def test_one_text_many_texts_and_tokens_are_embedded(made: Gate) -> None:
    with made.client() as client:
        one = client.embeddings.create(model=NAME, input="one text")
        many = client.embeddings.create(model=NAME, input=["one text", "another"])
        tokens = client.embeddings.create(model=NAME, input=[[1, 2, 3], [4]])
    assert many.data[0].embedding == one.data[0].embedding
    assert [each.index for each in many.data] == [0, 1]
    assert (one.usage.prompt_tokens, tokens.usage.prompt_tokens) == (2, 4)


@pytest.mark.parametrize("form", [openai.NOT_GIVEN, "float", "base64"])
def test_every_form_and_length_comes_as_it_was_asked_for(made: Gate, form: Any) -> None:
    with made.client() as client:
        told = client.embeddings.create(
            model=NAME, input="text", dimensions=12, encoding_format=form
        )
    vector: Any = told.data[0].embedding
    assert len(vector) == (64 if form == "base64" else 12)  # 48 bytes, as it asked for them itself


def test_the_raw_answer_tells_who_answered_and_the_bill(made: Gate) -> None:
    with made.client() as client:
        raw = client.embeddings.with_raw_response.create(model="embedder", input="one text")
    assert raw.headers["x-metallm-arm"] == NAME
    assert float(raw.headers["x-metallm-cost-usd"]) == pytest.approx(2 * 0.02e-6)
    assert "x-request-id" in raw.headers


def test_the_asynchronous_client_is_served(made: Gate) -> None:
    async def ask() -> int:
        async with openai.AsyncOpenAI(base_url=f"{made.url}/v1", api_key="k") as client:
            return len((await client.embeddings.create(model=NAME, input="a")).data[0].embedding)

    assert asyncio.run(ask()) == 256


def test_what_the_host_refuses_is_raised_in_the_hosts_own_words(made: Gate) -> None:
    with made.client() as client, pytest.raises(openai.BadRequestError, match="whole number"):
        client.embeddings.create(model=NAME, input="a", dimensions=0)
    with made.client() as client, pytest.raises(openai.BadRequestError) as empty:
        client.embeddings.create(model=NAME, input=[])
    assert empty.value.param == "input"
    with made.client() as client, pytest.raises(openai.NotFoundError) as unknown:
        client.embeddings.create(model="text-embedding-9", input="a")
    assert unknown.value.code == "model_not_found"


def test_a_host_that_limits_is_tried_again_by_the_client() -> None:
    with sandbox(faults={"rate_limit": 1.0}) as url:
        model = Arm(NAME, 0.02, 0.0, base_url=f"{url}/v1")
        rules = Rules(embeddings=(model,), poster=HttpProvider(max_retries=0))
        with (
            gate(rules=rules) as made,
            made.client(max_retries=2) as client,
            pytest.raises(openai.RateLimitError),
        ):
            client.embeddings.create(model=NAME, input="a")
        asked = [line for line in made.lines() if line.get("path") == "/v1/embeddings"]
    assert len(asked) == 3
