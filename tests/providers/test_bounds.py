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
from metallm.providers.measures import ADDED_FOR_TOOLS, TOKENS_OF_IMAGE

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
    inputs: int,
    outputs: int,
    cached: float,
    written: float,
    prices: tuple[float, float, float, float],
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
    for kind in ("input_audio", "file"):
        heard = {"role": "user", "content": [{"type": kind, kind: {"data": "x"}}]}
        with pytest.raises(InputError, match="audio, video and files"):
            _bound(ARM, ChatRequest({"messages": [heard]}))
    unlimited = Native("other", {}, bound=("thinking",))
    with pytest.raises(InputError, match="needs a limit"):
        _bound(ARM, ChatRequest(_asked("x").body, native=unlimited))
    with pytest.raises(InputError, match="JSON"):
        _bound(ARM, _asked("x", stop=object()))
    for wrong in ("9", 0, -1):
        with pytest.raises(ConfigurationError, match="max_tokens"):
            _bound(Arm("sim/a", 1.0, 1.0, options={"max_tokens": wrong}), _asked("x"))
    with pytest.raises(ConfigurationError, match="n must be"):
        _bound(Arm("sim/a", 1.0, 1.0, options={"n": 1.5}), _asked("x"))


def _seen(url: str, text: str = "what is it?") -> ChatRequest:
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    return ChatRequest({"messages": [{"role": "user", "content": parts}]})


def test_an_image_is_bounded_by_the_dearest_there_is_and_not_by_its_bytes() -> None:
    small, large = (_bound(ARM, _seen(url)) for url in ("http://x/y.png", "data:" + "A" * 10**6))
    assert small == large
    assert small.input_tokens > TOKENS_OF_IMAGE
    longer = _bound(ARM, _seen("x", "what is it? " * 100)).input_tokens
    assert longer > small.input_tokens + 1000


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"googleSearch": {}}]},
        {"tools": [{"type": "function"}, {"type": "code_interpreter"}]},
        {"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}},
        {"web_search_options": {}},
        {"plugins": [{"id": "web"}]},
        {"modalities": ["text", "audio"]},
        {"service_tier": "priority"},
        {"speed": "fast"},
        {"inference_geo": "us"},
        {"previous_response_id": "resp_1"},
        {"cachedContent": "cachedContents/1"},
        {"mcp_servers": [{"url": "x"}]},
    ],
)
def test_what_hosts_bill_beside_tokens_is_refused_in_either_wire(body: dict[str, Any]) -> None:
    plain = _asked("x", max_tokens=9)
    with pytest.raises(InputError, match="hosts bill more for it"):
        _bound(ARM, ChatRequest({**plain.body, **body}))
    with pytest.raises(InputError, match="hosts bill more for it"):
        _bound(ARM, ChatRequest(plain.body, native=Native("other", body)))


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "parameters": {"x": "y" * 500}}},
        {"name": "f", "input_schema": {"x": "y" * 500}},
        {"functionDeclarations": [{"name": "f", "parameters": {"x": "y" * 500}}]},
    ],
)
def test_tools_that_the_caller_runs_are_part_of_what_is_sent(tool: dict[str, Any]) -> None:
    plain = _bound(ARM, _asked("x")).input_tokens
    assert _bound(ARM, _asked("x", tools=[tool])).input_tokens > plain + ADDED_FOR_TOOLS + 500


def test_words_that_ask_for_text_alone_are_fine() -> None:
    assert (
        _bound(ARM, _asked("x", modalities=["text"], plugins=[], service_tier="auto")).output_tokens
        == 64
    )


def test_what_an_arm_is_set_up_with_is_its_owners_to_price() -> None:
    arm = Arm("sim/a", 4.0, 16.0, options={"service_tier": "priority"})
    assert _bound(arm, _asked("x")).output_tokens == 64


def test_of_a_request_in_another_wire_the_longer_form_counts() -> None:
    body = _asked("x", max_tokens=9).body
    plain = _bound(ARM, ChatRequest(body)).input_tokens
    told = Native("other", {"system": "s" * 1000})
    assert _bound(ARM, ChatRequest(body, native=told)).input_tokens > plain + 900
    assert _bound(ARM, ChatRequest(body, native=Native("other", {}))).input_tokens == plain


def test_a_request_in_another_wire_without_a_limit_goes_as_its_translation_with_one() -> None:
    limited = Bounds(64).limited(ARM, ChatRequest(_asked("x").body, native=Native("other", {})))
    assert limited.native is None
    assert limited.body["max_tokens"] == 64


def test_our_limit_is_no_more_than_the_arm_can_say() -> None:
    arm = Arm("sim/a", 2.0, 8.0, max_output_tokens=9)
    assert Bounds(64).limited(arm, _asked("x")).body["max_tokens"] == 9


@given(
    text=st.text(max_size=50),
    body=st.fixed_dictionaries(
        {},
        optional={
            "max_tokens": st.integers(1, 10**6),
            "n": st.integers(1, 5),
            "response_format": st.just({"type": "json_object"}),
            "stop": st.text(max_size=9),
        },
    ),
)
def test_what_is_told_of_all_arms_at_once_is_never_less_than_the_bound_of_each(
    text: str, body: dict[str, Any]
) -> None:
    schema = {"type": "json_schema", "json_schema": {"schema": {"enum": ["x" * 100]}}}
    request = ChatRequest(_asked(text, **body).body, answer_format=schema)
    arms = [
        ARM,
        Arm("sim/held", 3.0, 1.0, structured=True),
        Arm("sim/told", 3.0, 1.0, options={"max_tokens": 12, "stop": "žluť" * 9, "seed": 7}),
        Arm("openai/gpt-4o", 2.5, 10.0, model="a-longer-name", ignores=("max_tokens",)),
        Arm("sim/unpriced", price="unknown"),
    ]
    bounds = Bounds(64)
    most = bounds.dearest(arms, request)
    assert set(most) == {arm.name for arm in arms[:-1]}
    for arm in arms[:-1]:
        assert arm.list_price is not None
        exact = bounds.bound(arm, bounds.limited(arm, request)).nano_usd(arm.list_price)
        assert exact <= most[arm.name] <= exact + 400 * 3000
