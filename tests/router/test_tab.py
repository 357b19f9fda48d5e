"""What outcomes say of a budget's charges, by a payer who pays what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.client import Client
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.ledger import NANO_PER_USD, Reservation
from metallm.core.price import Usage
from metallm.core.query import Query
from metallm.errors import (
    AllArmsFailedError,
    BudgetExhaustedError,
    ProviderRejectedError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.providers.scripted import Cut, ScriptedProvider

HELD = 9 * NANO_PER_USD
QUERY = Query.of("hello", task=None)


class Purse:
    """Pays what it is told to, and holds 9 USD for the next call."""

    def __init__(self, *charges_usd: float, budgeted: bool = True) -> None:
        self.budgeted = budgeted
        self.spent, self.hold = 0, HELD
        self.usages: list[Usage | None] = []
        self._left = list(charges_usd)

    def reserve(self, amount: int, note: str = "") -> Reservation:
        usd = self._left.pop(0)
        if usd < 0:
            raise BudgetExhaustedError(needed_usd=1.0, left_usd=0.0, limit_usd=1.0)
        self.spent += round(usd * NANO_PER_USD)
        return Reservation(0, amount, note)

    def settle(self, reservation: Reservation, actual: int) -> None:
        raise AssertionError("what was reserved is what was spent")

    def release(self, reservation: Reservation) -> None:
        raise AssertionError("what was reserved is what was spent")

    def used(self, usage: Usage | None) -> None:
        self.usages.append(usage)


class Charging(ScriptedProvider):
    """Has every call paid for."""

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        if request.payer is not None:
            request.payer.reserve(0)
        return await super().complete(arm, request)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        if request.payer is not None:
            request.payer.reserve(0)
        async for event in super().stream(arm, request):
            yield event


def router(script: Any, **options: Any) -> Router:
    return Router(
        [CHEAP, DEAR],
        embedder=HashEmbedder(),
        new_id=counting_ids(),
        policy="fixed:sim/cheap",
        provider=Charging(script),
        **options,
    )


def charged(made: Router, decision_id: str = "dec_0") -> list[float | None]:
    return [each.charged_usd for each in made.outcomes(decision_id)]


def asked(made: Router, *charges: float, stream: bool = False) -> str:
    """The text that comes through a provider that charges so."""
    caller = made.caller.paid_by(Purse(*charges))
    body = {"messages": list(QUERY.messages)}

    async def ask() -> str:
        if not stream:
            return (await caller.answer(QUERY, body)).text
        streamed = await caller.stream(QUERY, body)
        return "".join([event.text async for event in streamed.events()])

    return asyncio.run(ask())


def down(arm: str) -> ProviderUnavailableError:
    return ProviderUnavailableError(arm, "down", status=503)


CHEAP_COST = 10 * 0.1e-6 + 5 * 0.2e-6


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_cost_what_was_charged_says_nothing_more(stream: bool) -> None:
    made = router({"sim/cheap": "hi you"})
    assert asked(made, CHEAP_COST, stream=stream) == "hi you"
    assert charged(made) == [None]
    assert made.outcomes("dec_0")[0].cost_usd == pytest.approx(CHEAP_COST)


@pytest.mark.parametrize("stream", [False, True])
def test_before_a_fallback_what_is_held_for_it_counts_and_after_it_what_all_came_to(
    stream: bool,
) -> None:
    made = router({"sim/cheap": down("sim/cheap"), "sim/dear": "hi"})
    assert asked(made, 0.5, 0.25, stream=stream) == "hi"
    assert charged(made) == [9.5, 0.75]


def test_after_the_last_failure_nothing_is_held() -> None:
    made = router({"sim/cheap": down("sim/cheap"), "sim/dear": down("sim/dear")})
    with pytest.raises(AllArmsFailedError):
        asked(made, 0.5, 0.25)
    assert charged(made) == [9.5, 0.75]


def test_a_refusal_that_every_arm_would_repeat_is_the_last() -> None:
    made = router({"sim/cheap": ProviderRejectedError("sim/cheap", "no", status=400)})
    with pytest.raises(ProviderRejectedError):
        asked(made, 0.0)
    assert charged(made) == [0.0]


def test_a_budget_that_does_not_cover_the_next_arm_ends_it_and_the_log_says_so() -> None:
    made = router({"sim/cheap": down("sim/cheap"), "sim/dear": "hi"})
    with pytest.raises(BudgetExhaustedError):
        asked(made, 0.5, -1)
    assert charged(made) == [9.5, 0.5]
    last = made.outcomes("dec_0")[-1]
    assert (last.kind, last.arm) == ("failure", "sim/dear")
    assert "budget" in (last.error or "")


def test_a_stream_that_breaks_says_what_it_was_charged() -> None:
    made = router({"sim/cheap": Cut("half")})
    with pytest.raises(StreamCutError):
        asked(made, 0.5, stream=True)
    assert charged(made) == [0.5]


def test_a_payer_without_a_budget_leaves_outcomes_as_they_are() -> None:
    made = router({"sim/cheap": down("sim/cheap"), "sim/dear": "hi"})
    caller = made.caller.paid_by(Purse(0.5, 0.5, budgeted=False))
    asyncio.run(caller.answer(QUERY, {"messages": list(QUERY.messages)}))
    assert charged(made) == [None, None]


def test_without_a_budget_outcomes_say_nothing_of_charges() -> None:
    made = router({"sim/cheap": down("sim/cheap"), "sim/dear": "hi"})
    asyncio.run(made.complete("hello"))
    assert charged(made) == [None, None]


def test_each_step_of_a_classification_is_charged_by_itself() -> None:
    made = router(lambda arm, request: "yes")
    caller = made.caller.paid_by(Purse(0.5, 0.25))

    async def steps() -> None:
        for name in ("dec_0", "dec_1"):
            decided, durable = made.decide_queries([QUERY])
            durable.result()
            await caller.ask(decided[0], {"messages": list(QUERY.messages)})
            assert decided[0].id == name

    asyncio.run(steps())
    assert (charged(made), charged(made, "dec_1")) == ([0.5], [0.25])


def test_who_asks_stands_in_the_decision_and_is_found_after_a_restart(tmp_path: Any) -> None:
    client = Client("team", "k1", "cheap", 0.5)
    query = Query(QUERY.text, QUERY.messages, client=client)
    made = router({}, store=tmp_path / "log.db")
    made.decide_queries([query])[1].result()
    made.close()
    again = router({}, store=tmp_path / "log.db")
    assert again.decision("dec_0").client == client
    again.close()
