from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native
from metallm.core.ledger import NANO_PER_USD
from metallm.core.price import Price, Usage
from metallm.errors import ConfigurationError, InputError
from metallm.providers.bounds import ADDED, ADDED_BY_MAKER, Bound, Bounds, unbounded

ARM = Arm("sim/a", 2.0, 8.0)


def _asked(*texts: str, **body: Any) -> ChatRequest:
    return ChatRequest({**body, "messages": [{"role": "user", "content": each} for each in texts]})


def _bound(arm: Arm, request: ChatRequest, output_tokens: int = 64) -> Bound:
    bounds = Bounds(output_tokens)
    return bounds.bound(arm, bounds.limited(arm, request))


def _worst_tokenizer() -> Tokenizer:
    """A token for each byte of the normalised text, as those without a single merge have."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: place for place, sign in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return tokenizer


WORST = _worst_tokenizer()


@given(text=st.text(max_size=200))
def test_no_text_has_more_tokens_than_its_bound(text: str) -> None:
    tokens = len(WORST.encode(text, add_special_tokens=False).ids)
    assert tokens <= _bound(ARM, _asked(text)).input_tokens - ADDED


def test_a_sign_that_normalising_makes_long_is_allowed_for() -> None:
    sign = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}"  # 3 bytes, 33 once normalised
    plain, long = _bound(ARM, _asked("a" * 9)), _bound(ARM, _asked(sign * 3))
    assert long.input_tokens >= plain.input_tokens + 3 * 30


def test_a_model_that_its_maker_serves_is_allowed_less_on_top() -> None:
    maker, other = (
        _bound(Arm("openai/gpt-4o", 2.5, 10.0, base_url=url), _asked("hello")).input_tokens
        for url in (None, "http://127.0.0.1:9/v1")
    )
    assert other - maker == ADDED - ADDED_BY_MAKER - len("max_completion_tokens") + len(
        "max_tokens"
    )


def test_examples_options_and_a_schema_are_part_of_what_is_sent() -> None:
    schema = {"type": "json_schema", "json_schema": {"schema": {"enum": ["x" * 1000]}}}
    request = ChatRequest(_asked("hello").body, answer_format=schema)
    held = Arm("sim/a", 2.0, 8.0, structured=True)
    told = Arm("sim/a", 2.0, 8.0, options={"stop": "s" * 500})
    plain = _bound(ARM, request).input_tokens
    assert _bound(held, request).input_tokens > plain + 1000
    assert _bound(told, request).input_tokens > plain + 500
    assert _bound(ARM, _asked("hello" * 100, "hello")).input_tokens > plain + 500


@pytest.mark.parametrize(
    ("options", "body", "limit"),
    [
        ({}, {}, 64),
        ({}, {"max_tokens": 9}, 9),
        ({"max_completion_tokens": 4096}, {}, 4096),
        ({"max_tokens": 5}, {"max_completion_tokens": 7}, 7),
        ({"n": 3}, {"max_tokens": 10}, 30),
    ],
)
def test_output_is_what_the_limit_says_or_ours_where_there_is_none(
    options: dict[str, Any], body: dict[str, Any], limit: int
) -> None:
    arm = Arm("sim/a", 2.0, 8.0, options=options)
    assert _bound(arm, _asked("hello", **body)).output_tokens == limit


@pytest.mark.parametrize(
    ("arm", "field"),
    [
        (Arm("openai/o3", 1.0, 1.0), "max_completion_tokens"),
        (Arm("openai/served", 1.0, 1.0, base_url="http://127.0.0.1:9/v1"), "max_tokens"),
        (Arm("groq/llama", 1.0, 1.0), "max_tokens"),
    ],
)
def test_our_limit_goes_by_the_name_that_the_host_takes(arm: Arm, field: str) -> None:
    sent = Bounds(64).limited(arm, _asked("hello")).body
    assert sent[field] == 64
    assert len(sent) == 2


def test_a_limit_that_the_arm_ignores_is_none() -> None:
    arm = Arm("sim/a", 2.0, 8.0, ignores=("max_completion_tokens",))
    request = _asked("hello", max_completion_tokens=9)
    assert _bound(arm, request).output_tokens == 64
    assert Bounds(64).limited(arm, request).body["max_tokens"] == 64


@given(
    inputs=st.integers(0, 10**6),
    outputs=st.integers(0, 10**5),
    cached=st.floats(0, 1),
    written=st.floats(0, 1),
    prices=st.tuples(*[st.floats(0, 200)] * 4),
)
def test_a_bill_within_the_tokens_is_within_the_amount(
    inputs: int, outputs: int, cached: float, written: float, prices: tuple[float, ...]
) -> None:
    price = Price(*prices)
    read = int(cached * inputs)
    usage = Usage(inputs, outputs, read, int(written * (inputs - read)))
    bill = price.cost_usd(usage)
    assert bill * NANO_PER_USD <= Bound(inputs, outputs).nano_usd(price)


def test_a_bill_above_a_bound_widens_the_next() -> None:
    bounds = Bounds(64)
    request = bounds.limited(ARM, _asked("hello"))
    first = bounds.bound(ARM, request)
    within = Usage(first.input_tokens, first.output_tokens)
    assert not bounds.learn(ARM.name, first, within)
    assert bounds.bound(ARM, request) == first
    assert bounds.learn(ARM.name, first, Usage(first.input_tokens + 10, first.output_tokens + 1))
    wider = bounds.bound(ARM, request)
    assert wider == Bound(first.input_tokens + 20, first.output_tokens + 2)
    assert bounds.bound(Arm("sim/b", 1.0, 1.0), request).input_tokens == first.input_tokens


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (Arm("sim/a", price="unknown"), "price is unknown"),
        (Arm("sim/a", 1.0, 1.0, options={"tools": [{}]}), "tools"),
        (Arm("sim/a", 1.0, 1.0, ignores=("max_tokens",)), "ignores max_tokens"),
        (Arm("openai/a", 1.0, 1.0, ignores=("max_completion_tokens",)), "ignores max_tokens"),
        (Arm("sim/a", 1.0, 1.0, options={"web_search_options": {"x": 1}}), "web_search_options"),
    ],
)
def test_what_is_not_billed_by_tokens_at_a_price_has_no_bound(arm: Arm, why: str) -> None:
    assert why in (unbounded(arm) or "")
    assert unbounded(ARM) is None


def test_what_cannot_be_bounded_is_refused() -> None:
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    with pytest.raises(InputError, match="images and files"):
        _bound(ARM, ChatRequest({"messages": [picture]}))
    with pytest.raises(InputError, match="wire"):
        _bound(ARM, ChatRequest(_asked("x").body, native=Native("other", {})))
    with pytest.raises(InputError, match="JSON"):
        _bound(ARM, _asked("x", stop=object()))
    for wrong in ("9", 0, -1):
        with pytest.raises(ConfigurationError, match="max_tokens"):
            _bound(Arm("sim/a", 1.0, 1.0, options={"max_tokens": wrong}), _asked("x"))
    with pytest.raises(ConfigurationError, match="n must be"):
        _bound(Arm("sim/a", 1.0, 1.0, options={"n": 1.5}), _asked("x"))
