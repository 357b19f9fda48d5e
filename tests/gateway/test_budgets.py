"""Budgets that hold: one request after the other, all at once, and over the end of a process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CHEAP, DEAR
from gateway.gates import HELLO, Reply
from gateway.keyed import MAX_TOKENS, Keyed, key, keyed
from metallm.core.arm import Arm
from metallm.core.budget import Budget
from metallm.core.completion import ChatRequest, Completion
from metallm.core.key import Key
from metallm.core.ledger import Ledger, limit_nano_usd, nano_usd
from metallm.core.price import Usage
from metallm.errors import BudgetExhaustedError, ProviderUnavailableError
from metallm.gateway.aliases import Alias
from metallm.gateway.budgets import Budgets, Purse
from metallm.gateway.keyring import LOOK_EVERY_S
from metallm.providers.scripted import ScriptedProvider
from metallm.store.memory import MemoryStore
from metallm.store.sqlite import SqliteStore

DAY_S = 86400.0


def budgeted(usd: float, window: Any = "total", **fields: Any) -> Key:
    return key(1, "a", budget=Budget(usd, window), **fields)


# -- ledgers and purses ---------------------------------------------------------------------------


class Spent:
    """What a log would say, and a clock."""

    def __init__(self, nano: int = 0) -> None:
        self.nano = nano
        self.now = 2e9
        self.asked: list[tuple[str, str, float]] = []

    def __call__(self, by: str, name: str, since: float) -> int:
        self.asked.append((by, name, since))
        return self.nano

    def budgets(self) -> Budgets:
        return Budgets(self, lambda: self.now)


def test_what_the_log_says_was_spent_is_where_a_ledger_begins() -> None:
    spent = Spent(300)
    (ledger,) = spent.budgets().ledgers(budgeted(1e-6), None)
    assert (ledger.limit, ledger.spent, ledger.left) == (1000, 300, 700)
    assert spent.asked == [("key", "00000001", 0.0)]


def test_one_ledger_goes_on_until_its_window_ends() -> None:
    spent = Spent()
    budgets, daily = spent.budgets(), budgeted(1e-6, "day")
    (first,) = budgets.ledgers(daily, None)
    made = first.reserve(900)
    assert budgets.ledgers(daily, None) == [first]
    spent.now += DAY_S
    (second,) = budgets.ledgers(daily, None)
    assert second is not first
    assert second.left == 1000
    first.settle(made, 900)
    assert second.left == 1000
    assert spent.asked[1][2] == spent.asked[0][2] + DAY_S


def test_a_budget_that_was_changed_changes_the_limit_and_not_what_was_spent() -> None:
    budgets = Spent(300).budgets()
    (ledger,) = budgets.ledgers(budgeted(1e-6), None)
    made = ledger.reserve(100)
    (changed,) = budgets.ledgers(budgeted(2e-6), None)
    assert changed is ledger
    assert (ledger.limit, ledger.left) == (2000, 1600)
    ledger.release(made)


def test_a_key_and_an_alias_both_have_to_cover_a_request() -> None:
    budgets = Spent().budgets()
    alias = Alias("cheap", budget=Budget(5e-7))
    ledgers = budgets.ledgers(budgeted(1e-6), alias)
    assert [ledger.limit for ledger in ledgers] == [1000, 500]
    with pytest.raises(BudgetExhaustedError):
        Purse(ledgers, 600)
    assert [ledger.reserved for ledger in ledgers] == [0, 0]
    purse = Purse(ledgers, 400)
    purse.settle(purse.reserve(400), 100)
    purse.close(answered=True)
    assert [(ledger.spent, ledger.reserved) for ledger in ledgers] == [(100, 0), (100, 0)]


def test_an_answer_that_nobody_charged_for_counts_in_full() -> None:
    ledger = Ledger(1000)
    Purse([ledger], 400).close(answered=True)
    Purse([ledger], 300).close(answered=False)
    assert (ledger.spent, ledger.reserved) == (400, 0)


attempts = st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["free", "billed", "full"])))


@given(limit=st.integers(0, 2000), requests=st.lists(st.tuples(st.integers(0, 500), attempts)))
def test_whatever_attempts_come_to_what_is_spent_and_held_never_passes_the_limit(
    limit: int, requests: list[tuple[int, list[tuple[int, str]]]]
) -> None:
    ledger, billed, open_purses = Ledger(limit), 0, []
    for hold, calls in requests:
        try:
            purse = Purse([ledger], hold)
        except BudgetExhaustedError:
            continue
        open_purses.append(purse)
        for amount, ending in calls:
            try:
                made = purse.reserve(amount)
            except BudgetExhaustedError:
                break
            actual = {"free": 0, "billed": amount // 2, "full": amount}[ending]
            purse.release(made) if ending == "free" else purse.settle(made, actual)
            billed += actual
            assert ledger.spent + ledger.reserved <= limit
        if len(open_purses) % 2:
            purse.close(answered=bool(calls))
    for purse in open_purses:
        purse.close(answered=False)
    assert ledger.reserved == 0
    assert billed <= ledger.spent <= limit


# -- over HTTP ------------------------------------------------------------------------------------


class Billing(ScriptedProvider):
    """Bills as much as a call can come to, and adds up what it billed.

    Args:
        gate: every call waits for it; None answers at once.
    """

    def __init__(self, gate: threading.Event | None = None, **options: Any) -> None:
        super().__init__(self._answer, **options)
        self.billed = 0
        self.begun = threading.Event()
        self.down: set[int] = set()
        self._gate = gate

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        self.begun.set()
        if self._gate is not None:
            await asyncio.to_thread(self._gate.wait, 20)
        return await super().complete(arm, request)

    def _answer(self, arm: Arm, request: ChatRequest) -> Any:
        size = len(orjson.dumps({**request.body, "model": arm.upstream_model}))
        limit = request.body.get("max_tokens") or 10**6
        usage = Usage(size, limit)
        assert arm.list_price is not None
        if len(self.calls) in self.down:
            self.billed += nano_usd(arm.list_price.cost_usd(usage))
            return ProviderUnavailableError(arm.name, "billed, and yet down", status=503)
        self.billed += nano_usd(arm.list_price.cost_usd(usage))
        text = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}'
        return Completion(arm.name, "hi", usage, 0.0, text)


def ledger_of(made: Keyed) -> Ledger:
    """The first key's ledger, as the log would have it after a restart."""
    (each,) = [each for each in made.file.all() if each.name == "a"]
    assert each.budget is not None
    spent = made.gate.router.spent_nano("key", each.id, 0.0)
    return Ledger(limit_nano_usd(each.budget.usd), spent)


def statuses(replies: Sequence[Reply]) -> set[int]:
    return {reply.status for reply in replies}


def test_a_spent_budget_is_told_so_that_nobody_tries_again(tmp_path: Path) -> None:
    with keyed(tmp_path, budgeted(1e-6)) as made:
        refused = made.chat("a")
        assert (refused.status, refused.error["type"]) == (429, "insufficient_quota")
        assert refused.error["code"] == "insufficient_quota"
        assert refused.headers["x-should-retry"] == "false"
        assert "retry-after" not in refused.headers
        assert made.calls() == 0
        with made.client("a", max_retries=5) as client, pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="auto", messages=HELLO)
        assert len(made.gate.lines()) == 2


def test_an_answer_costs_what_it_costs_and_the_log_says_so(tmp_path: Path) -> None:
    with keyed(tmp_path, budgeted(1.0)) as made:
        replies = [made.chat("a", model="sim/dear", stream=stream) for stream in (False, True)]
        assert statuses(replies) == {200}
        cost = DEAR.list_price.cost_usd(Usage(10, 5)) if DEAR.list_price else 0.0
        assert ledger_of(made).spent == pytest.approx(2e9 * cost, abs=4)
        for number in (0, 1):
            decision = made.gate.router.decision(f"dec_{number}")
            assert decision.client is not None
            held = decision.client.held_usd
            assert held is not None
            assert held > 50 * cost
            (outcome,) = made.gate.router.outcomes(decision.id)
            assert outcome.charged_usd is None


def test_under_a_budget_an_answer_gets_a_limit_and_without_one_it_does_not(tmp_path: Path) -> None:
    with keyed(tmp_path, budgeted(1.0), key(2, "b")) as made:
        made.chat("a")
        made.chat("b")
        sent = [each.calls[-1][1].body for each in made.gate.provider.scripted]
        assert [body.get("max_tokens") for body in sent] == [None, MAX_TOKENS]


def test_as_a_budget_runs_out_dear_arms_are_left_out_before_cheap_ones(tmp_path: Path) -> None:
    with keyed(tmp_path, budgeted(0.004)) as made:
        reply = made.chat("a")
        assert reply.headers["x-metallm-arm"] == "sim/cheap"
        assert set(made.gate.router.decision("dec_0").propensities) == {"sim/cheap"}
        assert made.chat("a", model="sim/dear").status == 429


def test_arms_of_unknown_price_are_not_for_keys_with_a_budget(tmp_path: Path) -> None:
    arms = [CHEAP, Arm("sim/odd", price="unknown")]
    script = {"sim/cheap": "hi", "sim/odd": "hi"}
    with keyed(tmp_path, budgeted(1.0), key(2, "b"), arms=arms, script=script) as made:
        assert made.chat("a").headers["x-metallm-arm"] == "sim/cheap"
        refused = made.chat("a", model="sim/odd")
        assert refused.status == 400
        assert "its price is unknown" in refused.error["message"]
        assert made.chat("b", model="sim/odd").status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "web_search"}]},
        {"web_search_options": {}},
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
    ],
)
def test_what_has_no_bound_is_refused_under_a_budget(tmp_path: Path, body: dict[str, Any]) -> None:
    with keyed(tmp_path, budgeted(1.0)) as made:
        assert made.chat("a", **body).status == 400
        assert made.calls() == 0


def test_requests_that_come_all_at_once_never_spend_more_than_the_budget(tmp_path: Path) -> None:
    gate = threading.Event()
    provider = Billing(gate)
    with keyed(tmp_path, budgeted(0.001), provider=provider) as made:
        with ThreadPoolExecutor(24) as pool:
            waiting = [pool.submit(made.chat, "a", model="sim/cheap") for _ in range(24)]
            # whoever was let in waits, so the first to come back was refused
            assert next(as_completed(waiting)).result().status == 429
            gate.set()
            replies = [each.result(30) for each in waiting]
        assert statuses(replies) == {200, 429}
        assert 0 < provider.billed <= ledger_of(made).spent <= 1_000_000
        held = [reply for reply in replies if reply.status == 429]
        assert {reply.error["code"] for reply in held} <= {"budget_held", "insufficient_quota"}


def test_what_others_hold_may_come_back_so_the_client_is_asked_to_wait(tmp_path: Path) -> None:
    gate = threading.Event()
    provider = Billing(gate)
    with keyed(tmp_path, budgeted(0.0002), provider=provider) as made:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(made.chat, "a", model="sim/cheap", max_tokens=5)
            assert provider.begun.wait(20)
            refused = made.chat("a", model="sim/cheap", max_tokens=5)
            gate.set()
            assert first.result(20).status == 200
        assert (refused.status, refused.error["code"]) == (429, "budget_held")
        assert refused.headers["retry-after"] == "1"
        assert "x-should-retry" not in refused.headers


@pytest.mark.parametrize("stream", [False, True])
def test_retries_and_fallbacks_are_paid_for_too(tmp_path: Path, stream: bool) -> None:
    provider = Billing()
    provider.down = {1, 2}  # the first arm's first attempt and its retry
    with keyed(tmp_path, budgeted(0.03), provider=provider, policy="fixed:sim/cheap") as made:
        assert made.chat("a", stream=stream).status == 200
        assert provider.count() == 3
        assert provider.billed <= ledger_of(made).spent <= 0.03e9
        first, failed, answered = made.gate.router.outcomes("dec_0")
        assert first.charged_usd is not None
        assert failed.charged_usd is not None
        assert answered.charged_usd is not None
        assert failed.charged_usd > answered.charged_usd > (answered.cost_usd or 0.0)
        assert failed.charged_usd > first.charged_usd


class Watched(Billing):
    """Notes what a log says was spent, and what was billed, as each call is under way."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.seen: list[tuple[int, int]] = []
        self._store = store

    def _answer(self, arm: Arm, request: ChatRequest) -> Any:
        answer = super()._answer(arm, request)
        self.seen.append((self._store.spent_nano("key", "00000001", 0.0), self.billed))
        return answer


@pytest.mark.parametrize("stream", [False, True])
def test_the_log_never_says_less_than_may_be_billed_by_then(tmp_path: Path, stream: bool) -> None:
    """So that a process killed during a call forgets none of those before it."""
    store = MemoryStore()
    provider = Watched(store)
    provider.down = {1, 2, 3}  # an arm and its retry, and the other arm once
    given: dict[str, Any] = {"provider": provider, "store": store, "policy": "fixed:sim/cheap"}
    with keyed(tmp_path, budgeted(0.05), **given) as made:
        assert made.chat("a", stream=stream).status == 200
    assert len(provider.seen) == 4
    assert all(said >= billed for said, billed in provider.seen)
    kinds = [(each.kind, each.arm) for each in store.outcomes("dec_0")]
    fell = [("failure", "sim/cheap")] * 2 + [("failure", "sim/dear")]
    assert kinds == [*fell, ("completion", "sim/dear")]


def test_a_budget_that_covers_no_further_attempt_ends_the_retries(tmp_path: Path) -> None:
    provider = Billing()
    provider.down = set(range(1, 100))
    with keyed(tmp_path, budgeted(0.0003), provider=provider) as made:
        for _ in range(5):
            assert made.chat("a", model="sim/cheap").status in {429, 502}
        assert provider.billed <= ledger_of(made).spent <= 300_000


class Silent(ScriptedProvider):
    """Never answers."""

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        await asyncio.Event().wait()
        return await super().complete(arm, request)


def test_a_client_that_goes_away_pays_for_what_it_may_have_cost(tmp_path: Path) -> None:
    store = MemoryStore()
    with (
        keyed(tmp_path, budgeted(1.0), provider=Silent({}), store=store) as made,
        made.client("a", timeout=0.2) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        client.chat.completions.create(model="sim/dear", messages=HELLO)
    held = store.decision("dec_0")
    assert held is not None
    assert held.client is not None
    (outcome,) = store.outcomes("dec_0")
    assert outcome.kind == "failure"
    assert outcome.charged_usd == pytest.approx(held.client.held_usd, rel=0.1)


def test_a_budget_raised_while_it_runs_lets_the_key_go_on(tmp_path: Path) -> None:
    with keyed(tmp_path, budgeted(1e-6)) as made:
        assert made.chat("a").status == 429
        made.file.put(budgeted(1.0))
        made.clock[0] += LOOK_EVERY_S
        assert made.chat("a").status == 200


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    made_of: dict[str, Any] = {"provider": Billing(), "arms": [CHEAP]}
    count = []
    for run in (1, 2):
        folder = tmp_path / str(run)
        folder.mkdir()
        store = SqliteStore(tmp_path / "log.db")
        new_id = iter(f"run{run}_{number}" for number in range(99)).__next__
        with keyed(folder, budgeted(0.0004), store=store, new_id=new_id, **made_of) as made:
            replies = [made.chat("a") for _ in range(20)]
            count.append(sum(reply.status == 200 for reply in replies))
    assert 0 < count[0] < 20
    assert count[1] == 0


def test_an_alias_has_a_budget_of_its_own_for_all_who_ask_for_it(tmp_path: Path) -> None:
    rules = {"aliases": (Alias("shared", budget=Budget(0.0004)),)}
    with keyed(tmp_path, key(1, "a"), key(2, "b"), rules=rules, provider=Billing()) as made:
        replies = [made.chat("ab"[turn % 2], model="shared") for turn in range(30)]
        assert statuses(replies) == {200, 429}
        assert made.gate.router.spent_nano("alias", "shared", 0.0) <= 400_000
        assert made.chat("a").status == 200


def test_each_text_of_a_bulk_is_paid_for_by_itself(tmp_path: Path) -> None:
    asked = {"texts": [f"text {number}" for number in range(40)], "labels": ["yes", "no"]}
    with keyed(tmp_path, budgeted(0.001), provider=Billing()) as made:
        reply = made.send("a", "POST", "/v1/classify", asked)
        assert reply.status == 200
        told = [each.get("error") for each in reply.json["results"]]
        assert None in told
        assert {each["type"] for each in told if each} <= {"insufficient_quota", "rate_limit_error"}
        assert ledger_of(made).spent <= 1_000_000


def test_what_the_student_answers_costs_nothing(tmp_path: Path) -> None:
    asked = {"text": "good film", "labels": ["yes", "no"], "task": "t"}
    with keyed(tmp_path, budgeted(1.0), script={"sim/cheap": "yes", "sim/dear": "yes"}) as made:
        texts = ["good film", "bad film", "good song", "bad song"] * 8
        truth = ["yes", "no", "yes", "no"] * 8
        made.gate.router.teach(texts, truth, labels=["yes", "no"], task="t")
        before = made.calls()
        arms = {made.send("a", "POST", "/v1/classify", asked).json["arm"] for _ in range(10)}
        if arms == {"metallm/student"}:
            assert ledger_of(made).spent == 0
        assert made.calls() - before == sum(
            outcome.arm.startswith("sim/")
            for number in range(made.gate.router.knowledge.decisions)
            for outcome in made.gate.router.outcomes(f"dec_{number}")
        )


def test_two_keys_of_one_tenant_have_budgets_of_their_own(tmp_path: Path) -> None:
    rich = replace(key(2, "b", budget=Budget(1.0)), tenant="a")
    with keyed(tmp_path, budgeted(1e-6), rich) as made:
        assert made.chat("a").status == 429
        assert made.chat("b").status == 200
