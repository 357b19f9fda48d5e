from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arm import Arm
from metallm.core.price import Usage
from metallm.errors import InputError, ProviderUnavailableError
from metallm.wire.openai_embeddings import LARGE, read_bill, write_request

BODY: dict[str, Any] = {"model": "acme/tiny", "input": ["a", "ü"], "dimensions": 3, "odd": [None]}
DATA = [{"object": "embedding", "index": 0, "embedding": [0.25, -1.5]}]
LONG = [{"object": "embedding", "index": 0, "embedding": "A" * LARGE}]
USAGE = {"prompt_tokens": 7, "total_tokens": 7}


def test_all_is_sent_as_it_came_but_for_the_model() -> None:
    sent = orjson.loads(write_request(Arm("acme/tiny", 1.0, 0.0, model="tiny-2"), BODY))
    assert sent == {**BODY, "model": "tiny-2"}


def test_what_json_cannot_carry_is_an_input_error() -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    with pytest.raises(InputError, match="JSON"):
        write_request(Arm("acme/tiny", 1.0, 0.0), {**BODY, "odd": deep})


@given(
    st.permutations(["object", "data", "model", "usage", "own"]),
    st.sampled_from([DATA, LONG]),
    st.sampled_from([{"usage": 9}, '"usage"', [{"usage": {"prompt_tokens": 99}}], 3]),
    st.booleans(),
)
def test_the_bill_is_read_wherever_it_stands(
    order: list[str], data: Any, own: Any, spaced: bool
) -> None:
    whole = {"object": "list", "data": data, "model": "tiny", "usage": USAGE, "own": own}
    option = orjson.OPT_INDENT_2 if spaced else 0
    raw = orjson.dumps({name: whole[name] for name in order}, option=option)
    assert read_bill("acme/tiny", raw) == Usage(7, 0)


@pytest.mark.parametrize("data", [DATA, LONG])
def test_an_answer_without_a_bill_tells_none(data: Any) -> None:
    assert read_bill("a", orjson.dumps({"data": data})) is None
    assert read_bill("a", orjson.dumps({"data": data, "usage": None})) is None
    assert read_bill("a", orjson.dumps({"data": data, "own": {"usage": USAGE}})) is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"?", "no JSON"),
        (b"[]", "no JSON object"),
        (orjson.dumps([{"data": LONG, "usage": USAGE}]), "no JSON object"),
        (b"{}", "no embeddings"),
        (b'{"data": {}, "usage": {"prompt_tokens": 7}}', "no embeddings"),
        (b'{"error": {"type": "overloaded"}, "data": []}', "overloaded"),
        (b'{"error": "no"}', "no kind given"),
    ],
)
def test_what_stands_in_the_place_of_embeddings_is_told(raw: bytes, why: str) -> None:
    with pytest.raises(ProviderUnavailableError, match=why):
        read_bill("acme/tiny", raw)
