from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from metallm.core.arm import Arm
from metallm.core.price import Tier
from metallm.errors import ConfigurationError

PRICED: Any = {"name": "a", "input_price": 1.0, "output_price": 2.0}


def test_the_upstream_model_is_the_part_after_the_provider() -> None:
    assert Arm("openai/gpt-4").upstream_model == "gpt-4"
    assert Arm("together/meta-llama/Llama-3").upstream_model == "meta-llama/Llama-3"
    assert Arm("local").upstream_model == "local"
    assert Arm("local", model="other").upstream_model == "other"


def test_an_arm_without_prices_has_no_list_price_rather_than_a_free_one() -> None:
    assert Arm("openai/gpt-4").list_price is None
    price = Arm("openai/gpt-4", 30.0, 60.0).list_price
    assert price is not None
    assert (price.input, price.output) == (30.0, 60.0)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "a", "input_price": 1.0}, "both input_price and output_price"),
        ({"name": "a", "input_price": -1.0, "output_price": 1.0}, "0 or more"),
        ({"name": "a", "input_price": float("nan"), "output_price": 1.0}, "0 or more"),
        ({"name": "a", "price": "3.0"}, "can only be 'unknown'"),
        ({"name": "a", "wire": "smoke"}, "no wire is called 'smoke'"),
        ({"name": "a", "lacks": ("wings",)}, "lacks names 'wings'"),
        ({"name": "a", "max_output_tokens": 0}, "max_output_tokens is a number of tokens"),
        ({"name": "a", "context_window": 0}, "a number of tokens, 1 or more"),
        ({"name": "a", "cache_write_1h_price": -1.0}, "cache_write_1h_price"),
        ({"name": "a", "price_tiers": (Tier(9, 1.0, 1.0),)}, "beside input_price and output_price"),
        ({**PRICED, "price_tiers": (Tier(9, -1.0, 1.0),)}, r"price_tiers\[0\].input"),
        ({**PRICED, "price_tiers": (Tier(9, 1.0, 1.0), Tier(9, 2.0, 1.0))}, "the shorter first"),
        ({"name": "a", "prior_quality": 82.0}, "a share from 0 to 1, such as 0.82"),
        ({"name": "a", "prior_quality": -0.1}, "arm 'a': prior_quality"),
        ({"name": "a", "prior_quality": float("nan")}, "prior_quality"),
    ],
)
def test_a_wrong_arm_is_refused_with_the_reason(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Arm(**fields)


@pytest.mark.parametrize(
    "arm", [Arm("a"), Arm("b", 1.0, 2.0, options={"top_k": 3}, lacks=("tools",), ignores=("seed",))]
)
def test_an_arm_can_be_pickled_and_copied(arm: Arm) -> None:
    for copied in (pickle.loads(pickle.dumps(arm)), copy.deepcopy(arm)):
        assert copied == arm


def test_a_prior_quality_is_a_share_or_nothing() -> None:
    assert Arm("a").prior_quality is None
    for share in (0.0, 0.82, 1.0):
        assert Arm("a", prior_quality=share).prior_quality == share
