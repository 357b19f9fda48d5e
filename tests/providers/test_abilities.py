from __future__ import annotations

import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.needs import NEEDS
from metallm.errors import ConfigurationError
from metallm.providers.abilities import ROWS, able
from metallm.providers.capabilities import obstacles
from metallm.providers.registry import HOSTS

ASKS = ChatRequest({"messages": [{"role": "user", "content": "hi"}], "reasoning_effort": "low"})


def test_rows_name_known_providers_and_needs() -> None:
    for row in ROWS:
        assert row.provider in HOSTS
        assert set(row.lacks) <= NEEDS


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("openai/gpt-3.5-turbo", {"audio", "files", "images", "json_schema", "reasoning"}),
        ("openai/gpt-4-0613", {"audio", "files", "images", "json_schema", "reasoning"}),
        ("openai/gpt-4-turbo-2024-04-09", {"audio", "json_schema", "reasoning"}),
        ("OpenAI/gpt-4o-mini", {"reasoning"}),
        ("openai/gpt-4.1-nano", {"reasoning"}),
        ("openai/o3", set()),
        ("openai/gpt-9", set()),
        ("anthropic/claude-3-5-sonnet-20241022", {"json_schema", "reasoning"}),
        ("anthropic/claude-3-7-sonnet-20250219", set()),
        ("lan/gpt-4", set()),
        (
            "bedrock/amazon.titan-text-express-v1",
            {"audio", "images", "json_schema", "reasoning", "tools"},
        ),
        (
            "bedrock/meta.llama3-8b-instruct-v1:0",
            {"audio", "images", "json_schema", "reasoning", "tools"},
        ),
        (
            "bedrock/us.meta.llama3-1-8b-instruct-v1:0",
            {"audio", "images", "json_schema", "reasoning"},
        ),
        (
            "bedrock/eu.anthropic.claude-3-haiku-20240307-v1:0",
            {"audio", "json_schema", "reasoning"},
        ),
        ("bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0", set()),
        ("gemini/gemini-2.0-flash", {"reasoning"}),
        ("gemini/gemini-2.5-flash", set()),
    ],
)
def test_what_a_model_lacks_is_known_by_its_name(name: str, lacks: set[str]) -> None:
    assert set(able(Arm(name)).lacks) == lacks


def test_nothing_is_known_of_a_host_of_ones_own_and_what_the_arm_says_stays() -> None:
    own = Arm("openai/gpt-4", base_url="http://10.0.0.7/v1")
    assert able(own) is own
    region = "https://bedrock-runtime.eu-west-1.amazonaws.com"
    titan = Arm("bedrock/amazon.titan-text-lite-v1", base_url=region, wire="bedrock")
    assert "tools" in able(titan).lacks
    assert able(Arm("openai/gpt-4o", lacks=("tools", "reasoning"))).lacks == ("tools", "reasoning")
    assert able(Arm("openai/gpt-4o", lacks=("tools",))).lacks == ("tools", "reasoning")
    assert able(Arm("openai/gpt-4o")).max_output_tokens == 16_384
    assert able(Arm("openai/gpt-4o", max_output_tokens=9)).max_output_tokens == 9


def test_a_model_that_does_not_reason_is_no_choice_where_reasoning_is_asked_for() -> None:
    arms = [able(Arm("openai/gpt-4o")), able(Arm("openai/o3"))]
    found = obstacles(arms, ASKS, stream=False, input_tokens=1)
    assert found == {"openai/gpt-4o": "the arm has no reasoning"}


@pytest.mark.parametrize("name", ["anthropic/claude-haiku-4-5", "bedrock/meta.llama3-8b"])
def test_log_probabilities_of_a_wire_that_has_none_are_refused_at_the_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match="has no log probabilities; leave out logprobs"):
        able(Arm(name, 1.0, 1.0, logprobs=True))
    # behind a host of one's own it is OpenAI's wire, which has them
    beside = Arm(name, 1.0, 1.0, logprobs=True, base_url="http://127.0.0.1:1/v1")
    assert able(beside).logprobs
