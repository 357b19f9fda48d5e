from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.ledger import Ledger, nano_usd
from metallm.core.price import Usage
from metallm.errors import (
    BudgetExhaustedError,
    ConfigurationError,
    InputError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from metallm.providers.bounds import Bound, Bounds
from metallm.providers.budgeted import BudgetedProvider
from metallm.providers.retry import Retry
from metallm.providers.scripted import Cut, Script, ScriptedProvider

ARMS = [Arm("sim/cheap", 0.1, 0.4), Arm("sim/dear", 10.0, 40.0, cache_write_price=12.5)]
REQUEST = ChatRequest({"messages": [{"role": "user", "content": "a text of a few words"}]})
OUTPUT = 64


def _unreached(arm: str) -> ProviderError:
    error = ProviderUnavailableError(arm, "nobody listens")
    error.__cause__ = aiohttp.ClientConnectorError(
        aiohttp.client_reqrep.ConnectionKey("h", 1, False, True, None, None, None), OSError()
    )
    return error


def _bound_of(arm: Arm) -> Bound:
    bounds = Bounds(OUTPUT)
    return bounds.bound(arm, bounds.limited(arm, REQUEST))


def _most(arm: Arm) -> int:
    price = arm.list_price
    assert price is not None
    return _bound_of(arm).nano_usd(price)


async def _no_wait(_seconds: float) -> None:
    return


def _budgeted(
    inner: ScriptedProvider | _Held, limit: int, told: list[str] | None = None, *, retries: int = 0
) -> tuple[BudgetedProvider, Ledger]:
    ledger = Ledger(limit)
    tell = ([] if told is None else told).append
    retry = Retry(_no_wait, lambda: 0.0, retries)
    return BudgetedProvider(inner, ledger, Bounds(OUTPUT), retry, tell), ledger


BILLED = Usage(10, 5)
"""300,000 nano-USD of the dear arm."""


def _scripted(script: Script, usage: Usage | None = BILLED) -> ScriptedProvider:
    return ScriptedProvider(script, usage=usage)


class _Held:
    """Answers when the test says so, and as it says."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Arm, asyncio.Future[Completion]]] = []
        self.asked: asyncio.Queue[tuple[Arm, ChatRequest]] = asyncio.Queue()

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        assert request.body["max_tokens"] == OUTPUT
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self.waiting.append((arm, future))
        self.asked.put_nowait((arm, request))
        return await future

    def stream(self, arm: Arm, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        raise NotImplementedError

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        return {}

    async def close(self) -> None:
        return


class _World:
    """What hosts really bill, in nano-USD, beside what the ledger believes."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.billed = 0

    def answer(self, arm: Arm, future: asyncio.Future[Completion]) -> None:
        """Answer or fail a call, in one of the ways that hosts do."""
        if future.done():
            return
        bound, most = _bound_of(arm), _most(arm)
        way = self.chance.choice(["usage", "usage", "silent", "error", "refused", "unreached"])
        if way == "usage":
            tokens = self.chance.randint(0, bound.input_tokens)
            written = self.chance.randint(0, tokens)
            output = self.chance.randint(0, bound.output_tokens)
            usage = Usage(tokens, output, 0, written)
            assert arm.list_price is not None
            self.billed += nano_usd(arm.list_price.cost_usd(usage))
            future.set_result(Completion(arm.name, "yes", usage, 0.0, b""))
        elif way == "silent":
            self.billed += self.chance.randint(0, most)
            future.set_result(Completion(arm.name, "yes", None, 0.0, b""))
        elif way == "error":
            self.billed += self.chance.randint(0, most)
            kinds = [
                ProviderUnavailableError(arm.name, "it failed", status=500),
                ProviderTimeoutError(arm.name, "no answer in time"),
            ]
            future.set_exception(self.chance.choice(kinds))
        elif way == "refused":
            kinds = [
                ProviderRateLimitError(arm.name, "too many"),
                ProviderAuthError(arm.name, "no key"),
                ProviderRejectedError(arm.name, "no", status=400),
            ]
            future.set_exception(self.chance.choice(kinds))
        else:
            future.set_exception(_unreached(arm.name))


@settings(deadline=None, max_examples=200)
@given(
    share=st.floats(0, 30),
    calls=st.lists(st.integers(0, 1), min_size=1, max_size=25),
    seed=st.integers(0, 2**32),
)
def test_no_interleaving_of_answers_and_failures_passes_the_budget(
    share: float, calls: list[int], seed: int
) -> None:
    limit = int(share * _most(ARMS[1]))
    chance = random.Random(seed)  # noqa: S311 - no secret

    async def play() -> None:
        held, world = _Held(), _World(chance)
        provider, ledger = _budgeted(held, limit, retries=2)
        tasks = [asyncio.create_task(provider.complete(ARMS[each], REQUEST)) for each in calls]
        while not all(task.done() for task in tasks):
            for _ in range(chance.randint(1, 3)):
                await asyncio.sleep(0)
            if chance.random() < 0.05:
                chance.choice(tasks).cancel()
            elif held.waiting:
                world.answer(*held.waiting.pop(chance.randrange(len(held.waiting))))
            assert world.billed <= ledger.spent + ledger.reserved <= limit
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert ledger.reserved == 0
        assert world.billed <= ledger.spent <= limit
        expected = (Completion, ProviderError, BudgetExhaustedError, asyncio.CancelledError)
        assert all(isinstance(each, expected) for each in outcomes)

    asyncio.run(play())


def test_a_call_waits_for_what_others_leave_over_and_is_then_made() -> None:
    async def play() -> None:
        held = _Held()
        provider, ledger = _budgeted(held, _most(ARMS[1]) + 5)
        first, second = (asyncio.create_task(provider.complete(ARMS[1], REQUEST)) for _ in "ab")
        assert (await held.asked.get())[0] is ARMS[1]
        assert held.asked.empty()
        held.waiting.pop()[1].set_result(Completion("sim/dear", "yes", Usage(0, 0), 0.0, b""))
        await first
        await held.asked.get()
        held.waiting.pop()[1].set_result(Completion("sim/dear", "yes", Usage(5, 0), 0.0, b""))
        await second
        assert ledger.spent == nano_usd(5 * 10.0 / 1e6)

    asyncio.run(play())


def test_a_call_that_is_not_covered_is_never_made() -> None:
    inner = _scripted({"sim/dear": "yes"})
    provider, ledger = _budgeted(inner, _most(ARMS[1]) - 1)
    with pytest.raises(BudgetExhaustedError):
        asyncio.run(provider.complete(ARMS[1], REQUEST))
    assert (inner.count(), ledger.spent) == (0, 0)


@pytest.mark.parametrize(
    ("usage", "spent"),
    [(Usage(10, 5), 300_000), (None, None), (Usage(10, 5, estimated=True), None)],
)
def test_an_answer_costs_what_its_usage_says_and_in_full_where_it_says_none(
    usage: Usage | None, spent: int | None
) -> None:
    provider, ledger = _budgeted(_scripted({"sim/dear": "yes"}, usage), 10**9)
    assert asyncio.run(provider.complete(ARMS[1], REQUEST)).text == "yes"
    assert ledger.spent == (_most(ARMS[1]) if spent is None else spent)


@pytest.mark.parametrize(
    ("error", "attempts", "counted"),
    [
        (ProviderUnavailableError("sim/dear", "x", status=500), 3, 3),
        (ProviderUnavailableError("sim/dear", "unreadable"), 1, 1),
        (ProviderTimeoutError("sim/dear", "late"), 1, 1),
        (ProviderRateLimitError("sim/dear", "x"), 3, 0),
        (ProviderAuthError("sim/dear", "x", status=401), 1, 0),
        (ProviderRejectedError("sim/dear", "x", status=422), 1, 0),
        (_unreached("sim/dear"), 3, 0),
    ],
)
def test_every_failed_attempt_counts_in_full_unless_it_surely_cost_nothing(
    error: ProviderError, attempts: int, counted: int
) -> None:
    inner = _scripted({"sim/dear": error})
    provider, ledger = _budgeted(inner, 10**9, retries=2)
    with pytest.raises(type(error)) as raised:
        asyncio.run(provider.complete(ARMS[1], REQUEST))
    assert raised.value is error
    assert inner.count() == attempts
    assert ledger.spent == counted * _most(ARMS[1])


def test_what_is_refused_before_it_is_sent_costs_nothing() -> None:
    provider, ledger = _budgeted(_scripted({"sim/dear": []}), 10**9)
    with pytest.raises(ConfigurationError, match="no answer"):
        asyncio.run(provider.complete(ARMS[1], REQUEST))
    with pytest.raises(ConfigurationError, match="budget: its price is unknown"):
        asyncio.run(provider.complete(Arm("sim/x", price="unknown"), REQUEST))
    with pytest.raises(InputError, match="written as JSON"):
        asyncio.run(provider.complete(ARMS[0], ChatRequest({"messages": [], "stop": object()})))
    assert (ledger.spent, ledger.reserved) == (0, 0)


def test_a_bill_above_its_bound_is_booked_told_and_allowed_for_from_then_on() -> None:
    told: list[str] = []
    over = Usage(_bound_of(ARMS[1]).input_tokens + 100, 1)
    provider, ledger = _budgeted(_scripted({"sim/dear": "yes"}, over), 10**9, told)
    asyncio.run(provider.complete(ARMS[1], REQUEST))
    first = ledger.spent
    assert first == nano_usd((over.input_tokens * 10.0 + 40.0) / 1e6)
    assert "allowed more" in told[0]
    asyncio.run(provider.complete(ARMS[1], REQUEST))
    assert (ledger.spent, len(told)) == (2 * first, 1)


def test_a_stream_is_settled_at_its_end_and_in_full_where_it_is_cut_or_left() -> None:
    async def read(provider: BudgetedProvider, most: int) -> None:
        events = provider.stream(ARMS[1], REQUEST)
        try:
            async for _ in events:
                most -= 1
                if not most:
                    return
        finally:
            await events.aclose()

    whole, ledger = _budgeted(_scripted({"sim/dear": "yes it is"}), 10**9)
    asyncio.run(read(whole, 100))
    assert ledger.spent == 300_000
    asyncio.run(read(whole, 1))
    assert ledger.spent == 300_000 + _most(ARMS[1])
    cut, cut_ledger = _budgeted(_scripted({"sim/dear": Cut("yes")}), 10**9)
    with pytest.raises(ProviderError, match="cut"):
        asyncio.run(read(cut, 100))
    assert cut_ledger.spent == _most(ARMS[1])
    assert (ledger.reserved, cut_ledger.reserved) == (0, 0)


def test_it_passes_on_what_arms_cannot_take_and_closes_what_it_wraps() -> None:
    inner = _scripted({})
    provider, _ = _budgeted(inner, 0)
    lacking = Arm("sim/x", 1.0, 1.0, lacks=("tools",))
    request = ChatRequest({**REQUEST.body, "tools": [{}]})
    assert "sim/x" in provider.obstacles([lacking], request, stream=False, input_tokens=5)
    asyncio.run(provider.close())
    assert inner.closed
