from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from metallm.core.arm import Arm
from metallm.core.price import Tier
from metallm.providers.prices import priced

AT = datetime(2025, 12, 1, tzinfo=UTC)


def test_a_known_model_gets_its_list_price_and_that_of_the_cache() -> None:
    arm = priced(Arm("openai/gpt-4o"), at=AT)
    assert (arm.input_price, arm.output_price, arm.cache_read_price) == (2.5, 10.0, 1.25)
    assert arm.cache_write_price is None
    assert arm.name == "openai/gpt-4o"


def test_what_longer_calls_cost_is_taken_along() -> None:
    arm = priced(Arm("anthropic/claude-sonnet-4-5"), at=AT)
    assert (arm.input_price, arm.output_price) == (3.0, 15.0)
    assert (arm.cache_read_price, arm.cache_write_price) == (0.3, 3.75)
    assert arm.price_tiers == (Tier(200_000, 6.0, 22.5, 0.6, 7.5, 12.0),)
    assert priced(Arm("openai/gpt-4o"), at=AT).price_tiers == ()


def test_what_a_region_adds_is_in_the_price_of_its_profile() -> None:
    listed = {
        name: priced(Arm(f"bedrock/{name}anthropic.claude-sonnet-4-5-20250929-v1:0"), at=AT)
        for name in ("us.", "global.")
    }
    assert listed["global."].input_price == 3.0
    assert listed["us."].input_price == 3.3


@pytest.mark.parametrize(
    "name",
    [
        "bedrock/amazon.titan-text-express-v1",
        "bedrock/anthropic.claude-3-haiku-20240307-v1:0",
        "bedrock/eu.amazon.nova-lite-v1:0",
        "bedrock/meta.llama3-70b-instruct-v1:0",
        "deepseek/deepseek-chat",
        "gemini/gemini-2.5-pro",
        "groq/llama-3.1-8b-instant",
        "xai/grok-4",
    ],
)
def test_our_names_of_providers_are_found(name: str) -> None:
    price = priced(Arm(name)).list_price
    assert price is not None
    assert price.output >= price.input > 0


def test_the_model_that_is_sent_upstream_is_looked_up() -> None:
    assert priced(Arm("openai/ours", model="gpt-4"), at=AT).input_price == 30.0


def test_a_model_that_is_sent_upstream_by_its_full_name_is_found() -> None:
    plain, full = priced(Arm("openai/gpt-4")), priced(Arm("openai/gpt-4", model="openai/gpt-4"))
    assert full.list_price == plain.list_price
    assert full.list_price is not None


def test_given_prices_win_whole() -> None:
    arm = Arm("openai/gpt-4o", input_price=1.0, output_price=2.0)
    assert priced(arm) is arm


def test_a_given_cache_price_is_kept() -> None:
    arm = priced(Arm("openai/gpt-4o", cache_read_price=0.5), at=AT)
    assert (arm.input_price, arm.cache_read_price) == (2.5, 0.5)


@pytest.mark.parametrize(
    "arm",
    [
        Arm("openai/no-such-model"),
        Arm("ollama/llama3"),
        Arm("acme/gpt-4", base_url="https://x.example"),
        Arm("openai/text-embedding-3-small"),
        Arm("openai/gpt-4o", price="unknown"),
    ],
    ids=lambda arm: f"{arm.name} {arm.price}",
)
def test_an_unknown_price_stays_unknown_and_never_becomes_zero(arm: Arm) -> None:
    assert priced(arm) is arm
    assert arm.list_price is None


def test_the_table_is_loaded_only_when_it_is_asked() -> None:
    code = "import sys, metallm.providers.prices; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
