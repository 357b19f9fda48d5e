"""A budget holds with hedges too: both calls are covered before the first is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from gateway.keyed import Charged
from metallm import Hedge, Router
from metallm.core.arm import Arm
from metallm.core.client import Client
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.ledger import Ledger, as_usd, nano_usd
from metallm.core.price import Usage
from metallm.core.query import Query
from metallm.errors import (
    BudgetExhaustedError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from metallm.gateway.budgets import Purse
from metallm.providers.bounds import Bounds
from metallm.providers.scripted import ScriptedProvider
from timeline import Timeline

MOST_OUTPUT = 20
BODY = {"messages": [{"role": "user", "content": "hello"}]}
QUERY = Query.of("hello", task=None)
KEY = "00000001"


class Billing(ScriptedProvider):
    """Bills calls that answer, fail and are cancelled, in the order in which it is told to.

    Args:
        calls: seconds, how the call ends, and the share of its bound that is billed.
        time: what passes.

    Attributes:
        billed: nano-USD of all calls.
    """

    def __init__(self, calls: Sequence[tuple[float, str, float]], time: Timeline) -> None:
        super().__init__({})
        self._left = list(calls)
        self._time = time
        self.billed = 0
        self.begun = 0

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        usage = await self._called(arm, request)
        raw = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}'
        return Completion(arm.name, "hi", usage, 0.0, raw)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        usage = await self._called(arm, request)
        yield StreamEvent(b'{"choices":[{"index":0,"delta":{"content":"hi"}}]}', "hi")
        await self._time.sleep(1.0)
        yield StreamEvent(b'{"choices":[]}', "", usage)

    async def _called(self, arm: Arm, request: ChatRequest) -> Usage:
        self.begun += 1
        seconds, ending, share = self._left.pop(0) if self._left else (1.0, "answer", 0.5)
        size = len(orjson.dumps({**request.body, "model": arm.upstream_model}))
        assert arm.list_price is not None
        usage = Usage(round(share * size), round(share * MOST_OUTPUT))
        bill = nano_usd(arm.list_price.cost_usd(usage))
        try:
            await self._time.sleep(seconds)
        except asyncio.CancelledError:
            self.billed += bill
            raise
        if ending == "limited":
            raise ProviderRateLimitError(arm.name, "too many", retry_after_s=99.0)
        self.billed += bill
        if ending == "down":
            raise ProviderUnavailableError(arm.name, "down", status=503)
        return usage


class Shop:
    """A router under one key's budget, as a gateway's desk admits requests to it."""

    def __init__(self, limit: int, calls: Sequence[tuple[float, str, float]], to: str) -> None:
        self.time = Timeline()
        self.inner = Billing(calls, self.time)
        self.bounds = Bounds(MOST_OUTPUT)
        self.ledger = Ledger(limit)
        self.router = Router(
            [CHEAP, DEAR],
            embedder=HashEmbedder(),
            new_id=counting_ids(),
            policy="random",
            provider=Charged(self.inner, self.inner, self.bounds),
            clock=self.time,
            sleep=self.time.sleep,
            hedge=Hedge(after_s=2.0, to=to),  # type: ignore[arg-type]
        )

    async def request(self, *, stream: bool = False, leaves: bool = False) -> None:
        asked = ChatRequest(BODY)
        most = self.bounds.dearest([CHEAP, DEAR], asked)
        covered = {name: usd for name, usd in most.items() if usd <= self.ledger.left}
        try:
            purse = Purse([self.ledger], max(covered.values(), default=10**12))
        except BudgetExhaustedError:
            return
        purse.set_aside_second()
        client = Client("a", KEY, None, as_usd(purse.hold))
        work = self._ask(purse, replace(QUERY, client=client), list(covered), stream=stream)
        task = asyncio.ensure_future(work)
        if leaves:
            await self.time.sleep(3.0)
            task.cancel()
        await asyncio.wait([task])
        answered = not task.cancelled() and task.exception() is None
        if not answered and not task.cancelled():
            assert isinstance(task.exception(), ProviderError | BudgetExhaustedError)
        purse.close(answered=answered)

    async def _ask(self, purse: Purse, query: Query, arms: list[str], *, stream: bool) -> None:
        caller = self.router.caller.paid_by(purse)
        if not stream:
            await caller.answer(query, BODY, arms=arms)
            return
        streamed = await caller.stream(query, BODY, arms=arms)
        async for _ in streamed.events():
            assert self.ledger.spent + self.ledger.reserved <= self.ledger.limit

    @property
    def logged(self) -> int:
        return self.router.spent_nano("key", KEY, 0.0)


calls = st.tuples(
    st.sampled_from([0.5, 1.0, 2.5, 3.5, 30.0]),
    st.sampled_from(["answer", "answer", "down", "limited"]),
    st.floats(0.0, 1.0),
)
requests = st.lists(
    st.tuples(st.floats(0.0, 6.0), st.booleans(), st.booleans()), min_size=1, max_size=8
)


@given(
    limit=st.integers(0, 60_000_000),
    told=st.lists(calls, max_size=24),
    asked=requests,
    to=st.sampled_from(["next", "same"]),
)
def test_whatever_becomes_of_hedged_calls_no_more_is_spent_than_the_budget(
    limit: int,
    told: list[tuple[float, str, float]],
    asked: list[tuple[float, bool, bool]],
    to: str,
) -> None:
    shop = Shop(limit, told, to)

    async def one(start: float, stream: bool, leaves: bool) -> None:
        await shop.time.sleep(start)
        await shop.request(stream=stream, leaves=leaves)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(*each) for each in asked))

    shop.time.run(all_of_them())
    assert shop.ledger.reserved == 0
    assert shop.inner.billed <= shop.ledger.spent <= limit
    # a nano-USD more for each decision, at most
    assert shop.ledger.spent <= shop.logged <= shop.ledger.spent + len(asked)
    shop.router.close()


def most() -> int:
    return max(Bounds(MOST_OUTPUT).dearest([CHEAP, DEAR], ChatRequest(BODY)).values())


def test_where_a_budget_covers_one_call_alone_there_is_no_hedge() -> None:
    slow = [(30.0, "answer", 0.5)]
    shop = Shop(2 * most() - 1, slow, "next")
    shop.time.run(shop.request())
    assert shop.inner.begun == 1
    shop.router.close()
    shop = Shop(2 * most(), slow, "next")
    shop.time.run(shop.request())
    assert shop.inner.begun == 2
    shop.router.close()


def test_once_an_answer_has_begun_alone_nothing_is_held_for_a_second_call() -> None:
    shop = Shop(4 * most(), [(1.0, "answer", 0.5)], "next")
    held: list[int] = []

    async def look() -> None:
        asked = asyncio.ensure_future(shop.request(stream=True))
        for at in (0.5, 1.0):  # half a second in, and half a second after the first event
            await shop.time.sleep(at)
            held.append(shop.ledger.reserved)
        await asked

    shop.time.run(look())
    assert held[0] - held[1] == most()
    assert 0 < held[1] <= most()
    shop.router.close()


def test_a_call_that_was_overtaken_counts_with_the_most_it_can_have_cost() -> None:
    shop = Shop(4 * most(), [(30.0, "answer", 0.0), (1.0, "answer", 0.5)], "same")
    shop.time.run(shop.request())
    given_up, answered = shop.router.outcomes("dec_0")
    assert given_up.kind == "overtaken"
    assert answered.charged_usd is not None
    bound = shop.bounds.dearest([shop.router.arms[answered.arm]], ChatRequest(BODY))
    most_usd = as_usd(bound[answered.arm])
    assert answered.charged_usd == pytest.approx(most_usd + (answered.cost_usd or 0), rel=0.05)
    shop.router.close()


def test_tokens_of_both_calls_count() -> None:
    taken: list[float] = []

    class Limits:
        def give_tokens(self, amount: float) -> None:
            taken.append(100.0 - amount)

    limits: Any = Limits()
    purse = Purse([], limits=limits, tokens=100.0)
    purse.set_aside_second()
    second = purse.beside(7)
    assert second is not None
    assert purse.beside(7) is None
    second.used(Usage(10, 5))
    purse.close(answered=True)
    assert taken == [22.0]
