"""Embeddings of the sandbox, as the official client and plain requests see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.price import Usage
from metallm.errors import ProviderError
from metallm.sandbox.embedding import DIMENSIONS, MOST_TEXTS, Wanted, vector
from metallm.wire.openai_embeddings import read_bill
from sandbox.test_app import client

MODEL = "any/embedder"
TEXTS = st.text(min_size=1, max_size=40)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[openai.OpenAI]:
    with client() as made:
        yield made


def test_the_official_client_gets_the_same_numbers_in_either_form(sandbox: openai.OpenAI) -> None:
    asked: Any = {"model": MODEL, "input": ["one text", "another"]}
    packed = sandbox.embeddings.create(**asked)  # it asks for base64 by itself
    plain = sandbox.embeddings.create(**asked, encoding_format="float")
    assert [each.index for each in packed.data] == [0, 1]
    assert packed.model == MODEL
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == 4
    for one, other in zip(packed.data, plain.data, strict=True):
        assert len(one.embedding) == DIMENSIONS
        np.testing.assert_allclose(one.embedding, other.embedding, rtol=1e-6)


def test_tokens_are_embedded_and_counted(sandbox: openai.OpenAI) -> None:
    one = sandbox.embeddings.create(model=MODEL, input=[5, 6, 7])
    two = sandbox.embeddings.create(model=MODEL, input=[[5, 6, 7], [8]])
    assert (one.usage.prompt_tokens, two.usage.prompt_tokens) == (3, 4)
    assert one.data[0].embedding == two.data[0].embedding != two.data[1].embedding


@given(TEXTS, st.integers(1, 300))
def test_vectors_have_length_one_and_fewer_dimensions_are_their_beginning(
    text: str, dimensions: int
) -> None:
    short, long = vector(text, dimensions), vector(text, 300)
    assert short.shape == (dimensions,)
    assert np.linalg.norm(short) == pytest.approx(1.0, abs=1e-5)
    beginning = long[:dimensions] / np.linalg.norm(long[:dimensions])
    np.testing.assert_allclose(short, beginning, atol=1e-5)


def test_texts_that_share_words_are_nearer_than_others() -> None:
    weather, again, other = (
        vector(text, DIMENSIONS)
        for text in ("how is the weather", "is the weather nice", "send me an invoice")
    )
    assert weather @ again > 0.5 > abs(weather @ other)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"model": None}, "model"),
        ({"input": ""}, "empty"),
        ({"input": []}, "empty"),
        ({"input": ["a", ""]}, "empty"),
        ({"input": [["a"]]}, "must be a text"),
        ({"input": {"text": "a"}}, "must be a text"),
        ({"input": ["a"] * (MOST_TEXTS + 1)}, "are the most"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": True}, "dimensions"),
        ({"encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_what_openai_refuses_is_refused(sandbox: openai.OpenAI, told: Any, why: str) -> None:
    body = {"model": MODEL, "input": "a", **told}
    with pytest.raises(openai.BadRequestError, match=why):
        sandbox.post("/embeddings", cast_to=object, body=body)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("error", openai.InternalServerError), ("rate_limit", openai.RateLimitError)],
)
def test_faults_that_refuse_are_met(fault: str, error: type[Exception]) -> None:
    with client(faults={fault: 1.0}) as made, pytest.raises(error):
        made.embeddings.create(model=MODEL, input="a")


@pytest.mark.parametrize("fault", ["cut", "malformed"])
def test_spoiled_answers_are_noticed(fault: str) -> None:
    with client(faults={fault: 1.0}) as made:
        raw = made.post("/embeddings", cast_to=str, body={"model": MODEL, "input": "a"})
    with pytest.raises(ProviderError, match="no JSON"):
        read_bill(MODEL, raw.encode())


@given(st.lists(TEXTS, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_the_bill_comes_back_by_the_same_wire(texts: list[str], packed: bool, usage: bool) -> None:
    form = "base64" if packed else "float"
    wanted = Wanted.read({"model": "m", "input": texts, "encoding_format": form, "dimensions": 8})
    raw = wanted.answer(usage=usage)
    tokens = sum(max(1, round(len(text) / 4)) for text in texts)
    assert read_bill("m", raw) == (Usage(tokens, 0) if usage else None)
    assert len(orjson.loads(raw)["data"]) == len(texts)
