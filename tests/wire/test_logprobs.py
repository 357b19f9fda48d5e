"""Log probabilities: asked for where an arm tells them, and read as every host tells them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Token
from metallm.core.wires import ANTHROPIC, BEDROCK, GEMINI, OPENAI, RESPONSES
from metallm.errors import ConfigurationError
from metallm.wire.faces import FACES
from metallm.wire.logprobs import MOST_OTHERS, NEVER, tokens_of
from metallm.wire.openai_chat import write_answer
from metallm.wire.wires import WIRES

ASKED = ChatRequest({"messages": [{"role": "user", "content": "hi"}]}, logprobs=True)
CONTENT = [
    {
        "token": "yes",
        "logprob": -0.25,
        "bytes": [121, 101, 115],
        "top_logprobs": [
            {"token": "yes", "logprob": -0.25, "bytes": [121, 101, 115]},
            {"token": "nö", "logprob": -1.5, "bytes": None},
        ],
    }
]
TOKEN = Token(b"yes", -0.25, ((b"yes", -0.25), ("nö".encode(), -1.5)))


def sent(arm: Arm, request: ChatRequest, wire: str = OPENAI) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(WIRES[wire].write_request(arm, request, stream=False))
    return body


def test_an_arm_that_tells_them_is_asked_for_them() -> None:
    body = sent(Arm("x/a", logprobs=True), ASKED)
    assert (body["logprobs"], body["top_logprobs"]) == (True, MOST_OTHERS)
    config = sent(Arm("gemini/a", logprobs=True), ASKED, GEMINI)["generationConfig"]
    assert config == {"responseLogprobs": True, "logprobs": MOST_OTHERS}
    body = sent(Arm("openai/a", logprobs=True), ASKED, RESPONSES)
    assert body["include"] == ["message.output_text.logprobs"]
    assert body["top_logprobs"] == MOST_OTHERS


@pytest.mark.parametrize(
    ("arm", "request_"),
    [
        pytest.param(Arm("x/a"), ASKED, id="an arm of which nobody says that it tells them"),
        pytest.param(
            Arm("x/a", logprobs=True), ChatRequest(ASKED.body), id="a request that wants none"
        ),
        pytest.param(
            Arm("x/a", logprobs=True, ignores=("logprobs",)), ASKED, id="an arm that ignores them"
        ),
    ],
)
def test_others_are_asked_as_ever(arm: Arm, request_: ChatRequest) -> None:
    assert "logprobs" not in sent(arm, request_)
    assert "top_logprobs" not in sent(arm, request_)


def test_what_the_arms_options_say_of_them_stands() -> None:
    arm = Arm("x/a", logprobs=True, options={"top_logprobs": 20})
    assert sent(arm, ASKED)["top_logprobs"] == 20


@pytest.mark.parametrize(
    "fields", [{"lacks": ("logprobs",)}, {"wire": ANTHROPIC}, {"wire": BEDROCK}]
)
def test_an_arm_that_cannot_tell_them_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="logprobs"):
        Arm("x/a", logprobs=True, **fields)


def test_tokens_are_read_as_openai_tells_them() -> None:
    assert tokens_of({"logprobs": {"content": CONTENT}}) == (TOKEN,)


def test_tokens_are_read_as_old_completions_tell_them() -> None:
    told = {
        "tokens": ["yes"],
        "token_logprobs": [-0.25],
        "top_logprobs": [{"yes": -0.25, "nö": -1.5}],
    }
    assert tokens_of({"logprobs": told}) == (TOKEN,)
    bare = {"tokens": ["yes"], "token_logprobs": [None]}
    assert tokens_of({"logprobs": bare}) == (Token(b"yes", NEVER),)


@pytest.mark.parametrize("wire", [OPENAI, GEMINI, RESPONSES])
def test_they_are_read_from_an_answer_only_where_they_were_asked_for(wire: str) -> None:
    raw = write_answer(
        answer_id="1", created=0, model="m", text="yes", logprobs={"content": CONTENT}
    )
    if wire != OPENAI:
        raw = FACES[wire].write_answer(raw, wire=OPENAI, model="m")
    arm = Arm("x/a", wire=wire, logprobs=True)
    answer, _ = WIRES[wire].read_answer(arm, raw, ASKED, now=0.0)
    assert answer.tokens == (TOKEN,)
    plain, _ = WIRES[wire].read_answer(arm, raw, ChatRequest(ASKED.body), now=0.0)
    assert plain.tokens == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 300) | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "token", "logprob", "bytes", "top_logprobs", "tokens", "token_logprobs"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_a_host_writes_is_tokens_or_nothing(told: Any) -> None:
    for token in tokens_of({"logprobs": told}):
        assert isinstance(token.said, bytes)
        assert token.logprob <= 0.0
        assert all(isinstance(text, bytes) and each <= 0.0 for text, each in token.others)
