from __future__ import annotations

import asyncio
from typing import Any

import pytest

from doubles import CHEAP
from metallm.core.completion import ChatRequest
from metallm.core.ledger import Ledger, Reservation, limit_nano_usd
from metallm.core.price import Usage
from metallm.errors import (
    BudgetExhaustedError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.providers.bounds import Bounds
from metallm.providers.charged import ChargedProvider
from metallm.providers.retry import Retry
from metallm.providers.scripted import Cut, ScriptedProvider

BODY = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
COST = round(1e9 * (10 * 0.1e-6 + 5 * 0.2e-6))


class Purse:
    """Pays from a ledger."""

    def __init__(self, usd: float, *, budgeted: bool = True) -> None:
        self.ledger = Ledger(limit_nano_usd(usd))
        self.budgeted = budgeted
        self.spent = self.hold = 0
        self.usages: list[Usage | None] = []
        self.reserved: list[int] = []

    def reserve(self, amount: int, note: str = "") -> Reservation:
        made = self.ledger.reserve(amount, note)
        self.reserved.append(amount)
        return made

    def settle(self, reservation: Reservation, actual: int) -> None:
        self.ledger.settle(reservation, actual)

    def release(self, reservation: Reservation) -> None:
        self.ledger.release(reservation)

    def used(self, usage: Usage | None) -> None:
        self.usages.append(usage)


async def _at_once(seconds: float) -> None:
    del seconds


def provider(script: Any, plain: Any = None, **options: Any) -> ChargedProvider:
    return ChargedProvider(
        ScriptedProvider(plain or {}, **options),
        ScriptedProvider(script, **options),
        Bounds(64),
        Retry(_at_once, lambda: 0.5, max_retries=2),
        lambda _: None,
    )


def answered(made: ChargedProvider, purse: Purse | None, *, stream: bool) -> str:
    request = ChatRequest(BODY, payer=purse)

    async def ask() -> str:
        if not stream:
            return (await made.complete(CHEAP, request)).text
        return "".join([event.text async for event in made.stream(CHEAP, request)])

    return asyncio.run(ask())


def down(**fields: Any) -> ProviderUnavailableError:
    return ProviderUnavailableError("sim/cheap", "down", **fields)


both = pytest.mark.parametrize("stream", [False, True])


@both
def test_a_request_that_nobody_pays_for_goes_as_it_always_did(stream: bool) -> None:
    assert answered(provider({}, {"sim/cheap": "plain"}), None, stream=stream) == "plain"


@both
def test_a_payer_without_a_budget_is_told_what_was_used_and_no_more(stream: bool) -> None:
    purse = Purse(0.0, budgeted=False)
    assert answered(provider({}, {"sim/cheap": "plain"}), purse, stream=stream) == "plain"
    assert (purse.usages, purse.reserved) == ([Usage(10, 5)], [])


@both
def test_an_answer_is_reserved_at_its_bound_and_settled_at_its_cost(stream: bool) -> None:
    purse = Purse(1.0)
    assert answered(provider({"sim/cheap": "hi you"}), purse, stream=stream) == "hi you"
    assert (purse.ledger.spent, purse.ledger.reserved) == (COST, 0)
    assert purse.reserved[0] > 100 * 200
    assert purse.usages == [Usage(10, 5)]


@both
def test_what_fails_before_it_begins_is_tried_again_and_each_attempt_is_paid_for(
    stream: bool,
) -> None:
    purse = Purse(1.0)
    script = {"sim/cheap": [down(status=503), down(status=503), "hi"]}
    assert answered(provider(script), purse, stream=stream) == "hi"
    assert len(purse.reserved) == 3
    assert purse.ledger.spent == 2 * purse.reserved[0] + COST
    assert purse.usages == [Usage(10, 5)]


@both
def test_a_rate_limit_is_tried_again_and_costs_nothing(stream: bool) -> None:
    purse = Purse(1.0)
    script = {"sim/cheap": [ProviderRateLimitError("sim/cheap", "slow down"), "hi"]}
    assert answered(provider(script), purse, stream=stream) == "hi"
    assert purse.ledger.spent == COST


@both
def test_what_came_too_late_is_not_tried_again(stream: bool) -> None:
    purse = Purse(1.0)
    late = ProviderTimeoutError("sim/cheap", "no answer")
    late.__cause__ = TimeoutError()
    with pytest.raises(ProviderTimeoutError):
        answered(provider({"sim/cheap": [late, "hi"]}), purse, stream=stream)
    assert purse.ledger.spent == purse.reserved[0]
    assert purse.usages == []


@both
def test_an_attempt_that_the_budget_does_not_cover_is_not_made(stream: bool) -> None:
    made = provider({"sim/cheap": [down(status=503), "hi"]})
    purse = Purse(0.0002)
    with pytest.raises(BudgetExhaustedError):
        answered(made, purse, stream=stream)
    assert len(purse.reserved) == 1
    assert purse.ledger.reserved == 0


def test_a_stream_that_breaks_counts_in_full_and_is_not_begun_anew() -> None:
    purse = Purse(1.0)
    with pytest.raises(StreamCutError):
        answered(provider({"sim/cheap": [Cut("half"), "whole"]}), purse, stream=True)
    assert purse.ledger.spent == purse.reserved[0]
    assert purse.usages == [None]


def test_a_stream_that_nobody_reads_to_its_end_counts_in_full() -> None:
    purse = Purse(1.0)

    async def leave() -> None:
        events = provider({"sim/cheap": "one two three"}).stream(
            CHEAP, ChatRequest(BODY, payer=purse)
        )
        await anext(events)
        await events.aclose()

    asyncio.run(leave())
    assert (purse.ledger.spent, purse.ledger.reserved) == (purse.reserved[0], 0)


def test_an_answer_without_usage_counts_in_full() -> None:
    purse = Purse(1.0)
    assert answered(provider({"sim/cheap": "hi"}, usage=None), purse, stream=False) == "hi"
    assert purse.ledger.spent == purse.reserved[0]
    assert purse.usages == [None]


def test_closing_lets_go_of_both() -> None:
    plain, single = ScriptedProvider({}), ScriptedProvider({})
    made = ChargedProvider(plain, single, Bounds(1), Retry(_at_once, lambda: 0.5), lambda _: None)
    asyncio.run(made.close())
    assert plain.closed
    assert single.closed
    assert asyncio.run(made.count_tokens(CHEAP, ChatRequest(BODY))) is None
