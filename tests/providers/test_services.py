"""What answers cost that a provider gives by another service than its standard one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.price import STANDARD_SERVICES, Price, Tier, Usage
from metallm.core.wires import ANTHROPIC, BEDROCK, OPENAI, RESPONSES
from metallm.errors import ConfigurationError
from metallm.providers.bounds import unbounded
from metallm.providers.prices import priced
from metallm.wire.wires import WIRES

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOKENS = Usage(1_000, 100)
PLAIN = Price(2.0, 8.0)
SOLD = Price(2.0, 8.0, services=(("flex", 0.5), ("priority", 1.75)))


def answered(wire: str, service: str | None) -> Usage | None:
    """The usage of a whole answer that says by which service it was given."""
    beside: dict[str, Any] = {} if service is None else {"service_tier": service}
    if wire == OPENAI:
        usage = {"prompt_tokens": 1_000, "completion_tokens": 100}
        choice = {"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
        document = {"choices": [choice], "usage": usage, **beside}
    elif wire == RESPONSES:
        document = {"output": [], "usage": {"input_tokens": 1_000, "output_tokens": 100}, **beside}
    elif wire == ANTHROPIC:
        usage = {"input_tokens": 1_000, "output_tokens": 100, **beside}
        content = [{"type": "text", "text": "hi"}]
        document = {"type": "message", "content": content, "stop_reason": "end_turn"}
        document["usage"] = usage
    else:
        message = {"role": "assistant", "content": [{"text": "hi"}]}
        usage = {"inputTokens": 1_000, "outputTokens": 100}
        document = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
        document |= {} if service is None else {"serviceTier": {"type": service}}
    arm = Arm(f"{wire}/m", 2.0, 8.0, wire=wire, base_url="http://127.0.0.1:1")
    request = ChatRequest({"messages": [{"role": "user", "content": "hello"}]})
    answer, _ = WIRES[wire].read_answer(arm, orjson.dumps(document), request, now=0)
    return answer.usage


@pytest.mark.parametrize("wire", [OPENAI, RESPONSES, ANTHROPIC, BEDROCK])
@pytest.mark.parametrize(
    ("service", "usd"),
    [(None, 2_800e-6), ("default", 2_800e-6), ("flex", 1_400e-6), ("priority", 4_900e-6)],
)
def test_a_wire_tells_the_service_and_the_bill_goes_by_it(
    wire: str, service: str | None, usd: float
) -> None:
    usage = answered(wire, service)
    assert usage is not None
    assert usage.service == service
    assert SOLD.cost_usd(usage) == pytest.approx(usd)
    assert SOLD.tells(usage)


def test_prices_of_one_s_own_hold_for_any_service_unless_they_say_more() -> None:
    usage = Usage(1_000, 100, service="priority")
    assert PLAIN.cost_usd(usage) == PLAIN.cost_usd(TOKENS)
    assert PLAIN.tells(usage)


@pytest.mark.parametrize("service", sorted(STANDARD_SERVICES))
def test_the_standard_service_costs_the_list_price(service: str) -> None:
    assert SOLD.factor(service) == 1.0
    assert Price(2.0, 8.0, services=((service, 3.0),)).factor(service) == 3.0


def test_an_unknown_service_is_billed_as_the_standard_one_and_flagged() -> None:
    usage = Usage(1_000, 100, service="scale")
    assert SOLD.cost_usd(usage) == SOLD.cost_usd(TOKENS)
    assert not SOLD.tells(usage)


def test_the_price_table_s_models_cost_half_by_flex_and_by_batch() -> None:
    price = priced(Arm("openai/gpt-4o"), at=NOW).list_price
    assert price is not None
    whole = price.cost_usd(TOKENS)
    for service in ("flex", "batch"):
        assert price.cost_usd(Usage(1_000, 100, service=service)) == pytest.approx(whole / 2)
    assert not price.tells(Usage(1_000, 100, service="priority"))


def test_what_the_settings_say_of_services_goes_before_the_table() -> None:
    price = priced(Arm("openai/gpt-4o", service_prices={"priority": 1.7}), at=NOW).list_price
    assert price is not None
    assert (price.factor("priority"), price.factor("flex")) == (1.7, None)


@pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf")])
def test_a_factor_that_cannot_be_is_refused(factor: float) -> None:
    with pytest.raises(ConfigurationError, match=r"service_prices\.flex"):
        Arm("a/b", 1.0, 1.0, service_prices={"flex": factor})


@given(
    tokens=st.tuples(st.integers(0, 400_000), st.integers(0, 10_000)),
    service=st.sampled_from([None, "default", "flex", "priority"]),
    tiered=st.booleans(),
)
def test_no_service_costs_more_than_the_bound(
    tokens: tuple[int, int], service: str | None, tiered: bool
) -> None:
    tiers = (Tier(200_000, 4.0, 9.0),) if tiered else ()
    price = Price(2.0, 8.0, tiers=tiers, services=SOLD.services)
    cost = price.cost_usd(Usage(*tokens, service=service))
    assert cost <= price.most_usd(*tokens) * (1 + 1e-12)


def test_an_arm_of_a_service_without_a_price_cannot_be_held_to_a_budget() -> None:
    arm = priced(Arm("openai/gpt-4o", options={"service_tier": "priority"}), at=NOW)
    assert unbounded(arm) == ("nobody knows what its service 'priority' costs: give service_prices")
    known = Arm(
        "openai/gpt-4o", options={"service_tier": "priority"}, service_prices={"priority": 2.0}
    )
    assert unbounded(priced(known, at=NOW)) is None
