from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pyarrow as pa
import pytest
from openai.types.chat import ChatCompletionChunk

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.price import Usage
from metallm.providers.http import HttpProvider
from metallm.sandbox.app import create_app
from metallm.tables.recordings import Recordings
from servers import running

TEXT = "The answer is forty-two, as everyone knows — naturally."
RECORDINGS = Recordings.read(
    pa.table(
        {
            "query": ["What is the answer?"] * 2 + ["What is unknown?"],
            "model": ["acme/big", "acme/small", "acme/big"],
            "response": [TEXT, "42", None],
            "score": [1.0, 1.0, 1.0],
            "input_tokens": [31, None, 3],
            "output_tokens": [9, None, 1],
        }
    )
)
QUESTION: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Tell me: What is the answer?"},
]


@contextmanager
def client(**options: Any) -> Iterator[openai.OpenAI]:
    with (
        running(create_app(RECORDINGS, **options)) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=10) as made,
    ):
        yield made


def test_the_official_client_gets_the_recorded_answer_and_usage() -> None:
    with client() as sandbox:
        answer = sandbox.chat.completions.create(model="acme/big", messages=QUESTION)
        assert answer.choices[0].message.content == TEXT
        assert answer.choices[0].finish_reason == "stop"
        assert answer.model == "acme/big"
        assert answer.usage is not None
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (31, 9)
        other = sandbox.chat.completions.create(model="small", messages=QUESTION)
        assert other.choices[0].message.content == "42"
        assert other.usage is not None
        assert other.usage.prompt_tokens == round((9 + 28) / 4)


def test_the_official_client_reads_the_stream() -> None:
    with client() as sandbox:
        chunks: list[ChatCompletionChunk] = list(
            sandbox.chat.completions.create(
                model="acme/big",
                messages=QUESTION,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        with_usage = chunks.pop()
        assert with_usage.choices == []
        assert with_usage.usage is not None
        assert with_usage.usage.total_tokens == 40
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
        assert len(chunks) > 4
        assert [chunk.choices[0].finish_reason for chunk in chunks] == [
            *[None] * (len(chunks) - 1),
            "stop",
        ]
        assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
        unasked = sandbox.chat.completions.create(model="small", messages=QUESTION, stream=True)
        assert [chunk.usage for chunk in unasked if chunk.usage] == []


def test_the_models_are_listed_and_found_by_name() -> None:
    with client() as sandbox:
        assert [model.id for model in sandbox.models.list()] == ["acme/big", "acme/small"]
        assert sandbox.models.retrieve("acme/small").owned_by == "acme"
        with pytest.raises(openai.NotFoundError, match="no recorded model is called 'none'"):
            sandbox.models.retrieve("none")


def test_what_was_not_recorded_is_told_as_openai_tells_it() -> None:
    with client() as sandbox:
        create = sandbox.chat.completions.create
        with pytest.raises(openai.NotFoundError, match="no recorded model is called 'x'") as raised:
            create(model="x", messages=QUESTION)
        assert raised.value.code == "model_not_found"
        with pytest.raises(openai.NotFoundError, match="no recorded query") as raised:
            create(model="acme/big", messages=[{"role": "user", "content": "hello"}])
        assert raised.value.code == "query_not_recorded"
        with pytest.raises(openai.NotFoundError, match="holds no answer of acme/big") as raised:
            create(model="acme/big", messages=[{"role": "user", "content": "What is unknown?"}])
        assert raised.value.code == "answer_not_recorded"
        with pytest.raises(openai.BadRequestError, match="the query has no messages"):
            create(model="acme/big", messages=[])


def test_faults_are_drawn_from_the_seed() -> None:
    def statuses(seed: int) -> list[int]:
        seen = []
        with client(error_rate=0.5, seed=seed) as sandbox:
            for _ in range(40):
                try:
                    sandbox.chat.completions.create(model="acme/big", messages=QUESTION)
                    seen.append(200)
                except openai.APIStatusError as error:
                    seen.append(error.status_code)
        return seen

    first = statuses(1)
    assert first == statuses(1)
    assert first != statuses(2)
    assert set(first) == {200, 429, 500}
    assert 10 <= first.count(200) <= 30


def test_latency_is_waited_before_each_answer() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with client(latency_s=0.7, sleep=sleep) as sandbox:
        for _ in range(2):
            sandbox.chat.completions.create(model="acme/big", messages=QUESTION)
    assert waits == [0.7, 0.7]


def test_our_own_client_and_the_sandbox_understand_each_other() -> None:
    async def main(url: str) -> None:
        provider = HttpProvider()
        arm = Arm("acme/big", base_url=f"{url}/v1")
        request = ChatRequest({"messages": QUESTION})
        completion = await provider.complete(arm, request)
        assert (completion.text, completion.usage) == (TEXT, Usage(31, 9))
        events = [event async for event in provider.stream(arm, request)]
        assert "".join(event.text for event in events) == TEXT
        assert [event.usage for event in events if event.only_usage] == [Usage(31, 9)]
        await provider.close()

    with running(create_app(RECORDINGS)) as url:
        asyncio.run(main(url))
