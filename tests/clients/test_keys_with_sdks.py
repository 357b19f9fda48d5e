"""The official clients against a gateway with keys: what they send, and how they are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from gateway.gates import BOTH, HELLO
from gateway.keyed import Keyed, key, keyed
from metallm.core.budget import Budget

KEYS = [
    key(1, "free"),
    key(2, "poor", budget=Budget(1e-6)),
    key(3, "slow", requests_per_minute=1),
    key(4, "narrow", arms=("sim/cheap",)),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    with keyed(tmp_path_factory.mktemp("keys"), *KEYS) as made:
        yield made


def claude(made: Keyed, who: str, **options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=made.gate.url,
        api_key=made.secrets.get(who, "sk-ant-else"),
        max_retries=options.pop("max_retries", 0),
        timeout=20,
        **options,
    )


def test_anthropics_client_gets_its_answer_by_x_api_key_and_by_a_token(made: Keyed) -> None:
    with claude(made, "free") as client:
        told = client.messages.create(model="auto", max_tokens=9, messages=HELLO)
        assert told.content[0].type == "text"
        assert told.content[0].text in BOTH.values()
    with anthropic.Anthropic(
        base_url=made.gate.url, auth_token=made.secrets["free"], timeout=20
    ) as client:
        assert client.messages.create(model="auto", max_tokens=9, messages=HELLO).content


def test_anthropics_client_raises_what_it_knows(made: Keyed) -> None:
    with claude(made, "nobody") as client, pytest.raises(anthropic.AuthenticationError) as caught:
        client.messages.create(model="auto", max_tokens=9, messages=HELLO)
    assert "sk-ant-else" not in str(caught.value)
    with claude(made, "narrow") as client, pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="sim/dear", max_tokens=9, messages=HELLO)


def test_a_spent_budget_is_not_tried_again_by_either_client(made: Keyed) -> None:
    before = len(made.gate.lines())
    with claude(made, "poor", max_retries=5) as client, pytest.raises(anthropic.RateLimitError):
        client.messages.create(model="auto", max_tokens=9, messages=HELLO)
    with made.client("poor", max_retries=5) as other, pytest.raises(openai.RateLimitError):
        other.chat.completions.create(model="auto", messages=HELLO)
    assert len(made.gate.lines()) == before + 2


def test_a_rate_limit_tells_both_clients_when_to_come_again(made: Keyed) -> None:
    made.chat("slow")
    with claude(made, "slow") as client, pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(model="auto", max_tokens=9, messages=HELLO)
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60
    with made.client("slow") as other, pytest.raises(openai.RateLimitError) as told:
        other.chat.completions.create(model="auto", messages=HELLO)
    assert 0 < int(told.value.response.headers["retry-after-ms"]) <= 60_000
    assert told.value.code == "rate_limit_exceeded"


def test_openais_client_lists_the_models_of_its_key(made: Keyed) -> None:
    with made.client("narrow") as client:
        assert [each.id for each in client.models.list()] == ["auto", "sim/cheap"]
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("sim/dear")


def test_the_asynchronous_client_streams_with_a_key(made: Keyed) -> None:
    async def ask() -> str:
        url = f"{made.gate.url}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key=made.secrets["free"]) as client:
            events = await client.chat.completions.create(model="auto", messages=HELLO, stream=True)
            return "".join([each.choices[0].delta.content or "" async for each in events])

    assert asyncio.run(ask()) in BOTH.values()


def test_feedback_through_the_client_is_its_tenants(made: Keyed) -> None:
    with made.client("free") as client, made.client("narrow") as other:
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
        judged = {"decision_id": raw.headers["x-metallm-decision-id"], "quality": 1.0}
        with pytest.raises(openai.NotFoundError):
            other.post("/feedback", cast_to=object, body=judged)
        assert client.post("/feedback", cast_to=object, body=judged)
