"""What every store promises, asked of each with its defaults and with tight arguments."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from metallm.core.bill import Bill
from metallm.core.client import Client
from metallm.core.decision import ArmEstimate, Decision
from metallm.core.log import Entry, Record
from metallm.core.outcome import Outcome, OutcomeKind, Recorded
from metallm.core.protocols import Store
from metallm.errors import StoreError
from metallm.store.memory import MemoryStore
from metallm.store.sqlite import SqliteStore

PATIENCE_S = 30.0  # a future that takes longer is lost, and the test says so

MAKERS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(),
    "memory, tight": lambda _: MemoryStore(capacity=500),
    "sqlite": lambda folder: SqliteStore(folder / "log.db"),
    "sqlite, tight": lambda folder: SqliteStore(
        folder / "log.db", max_waiting=3, max_batch=1, cache=0
    ),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


class Fold:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __call__(self, entries: Sequence[Entry]) -> None:
        self.entries += entries

    @property
    def ids(self) -> list[str]:
        return [name_of(entry.record) for entry in self.entries]


def name_of(record: Record) -> str:
    if isinstance(record, Decision):
        return record.id
    return f"of {record.decision_id}" if isinstance(record, Outcome) else "recorded"


def decision(decision_id: str, index: int = 0, client: Client | None = None) -> Decision:
    return Decision(
        id=decision_id,
        index=index,
        arm="a/small",
        propensity=0.75,
        propensities={"a/small": 0.75, "b/large": 0.25},
        estimates={
            "a/small": ArmEstimate(0.1 + 0.2, 0.1, 1e-5, 0.79),
            "b/large": ArmEstimate(float("nan"), 0.2, None, -0.0),
        },
        policy="squarecb",
        version=3,
        cost_weight=0.2,
        cost_scale=1e-3,
        context=np.array([0.1, -0.0, np.nan, 1e-40], dtype=np.float32),
        input_tokens=12,
        labels=("žluť", "🐎 left", "a'; DROP TABLE decisions; --"),
        task="sentiment",
        client=client,
        text="is it \x00 good \ud800?",
        at=1.5,
    )


def outcome(decision_id: str, quality: float | None = 1.0) -> Outcome:
    return Outcome(decision_id, "a/small", "feedback", quality=quality, label="žluť", at=2.5)


def recorded() -> Recorded:
    table = np.array([[1.0, np.nan], [0.0, 0.1 + 0.2]])
    return Recorded(
        contexts=np.arange(6, dtype=np.float32).reshape(2, 3),
        arms=("a/small", "b/large"),
        quality=table,
        cost_usd=table / 3.0,
        input_tokens=np.array([7.0, np.nan]),
        output_tokens=table,
        list_usd=table,
        tasks=("x", ""),
        at=0.5,
    )


def done(future: Future[None]) -> None:
    future.result(timeout=PATIENCE_S)


def same_float(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return struct.pack("<d", a) == struct.pack("<d", b)


def test_entries_are_numbered_from_one_in_the_order_of_appending(store: Store) -> None:
    fold = Fold()
    store.subscribe(fold)
    futures = [store.append([decision(f"d{i}"), outcome(f"d{i}")]) for i in range(50)]
    for future in futures:
        done(future)
    expected = [name for i in range(50) for name in (f"d{i}", f"of d{i}")]
    assert fold.ids == expected
    assert [entry.seq for entry in fold.entries] == list(range(1, 101))
    read = list(store.read())
    assert [(entry.seq, name_of(entry.record)) for entry in read] == list(enumerate(expected, 1))


def test_a_record_is_folded_before_its_future_resolves(store: Store) -> None:
    fold = Fold()
    store.subscribe(fold)
    for i in range(20):
        done(store.append([decision(f"d{i}")]))
        assert fold.ids[-1] == f"d{i}"


def test_what_is_folded_can_already_be_read(store: Store) -> None:
    seen: list[float | None] = []

    def fold(entries: Sequence[Entry]) -> None:
        assert [entry.seq for entry in store.read(entries[0].seq - 1)][:1] == [entries[0].seq]
        seen.extend(each.quality for each in store.outcomes("d"))

    store.subscribe(fold)
    done(store.append([decision("d"), outcome("d", 0.25)]))
    assert seen == [0.25]


def test_a_record_is_folded_once_and_only_from_the_subscription_on(store: Store) -> None:
    done(store.append([decision("before")]))
    fold = Fold()
    store.subscribe(fold)
    done(store.append([decision("after")]))
    assert fold.ids == ["after"]
    assert [name_of(entry.record) for entry in store.read()] == ["before", "after"]


def test_a_second_fold_is_refused(store: Store) -> None:
    store.subscribe(Fold())
    with pytest.raises(StoreError, match="already has a fold"):
        store.subscribe(Fold())


def test_a_decision_comes_back_bit_for_bit(store: Store) -> None:
    given = decision("d-žluť")
    done(store.append([given]))
    for found in (store.decision("d-žluť"), next(store.read()).record):
        assert isinstance(found, Decision)
        assert found.context.tobytes() == given.context.tobytes()
        assert found.context.dtype == np.float32
        assert (found.labels, found.task, found.text) == (given.labels, given.task, given.text)
        assert list(found.propensities.items()) == list(given.propensities.items())
        assert list(found.estimates) == list(given.estimates)
        for arm, estimate in given.estimates.items():
            back = found.estimates[arm]
            assert same_float(back.quality, estimate.quality)
            assert same_float(back.cost_usd, estimate.cost_usd)
            assert same_float(back.reward, estimate.reward)


@pytest.mark.parametrize("quality", [None, 0.0, -0.0, 0.1 + 0.2, float("nan"), float("inf")])
def test_an_outcome_comes_back_bit_for_bit(store: Store, quality: float | None) -> None:
    given = outcome("d", quality)
    done(store.append([decision("d"), given]))
    (found,) = store.outcomes("d")
    assert same_float(found.quality, quality)
    assert replace(found, quality=None) == replace(given, quality=None)


def test_recorded_outcomes_come_back_bit_for_bit(store: Store) -> None:
    given = recorded()
    done(store.append([given]))
    (entry,) = store.read()
    found = entry.record
    assert isinstance(found, Recorded)
    assert (found.arms, found.tasks, found.at) == (given.arms, given.tasks, given.at)
    for name in (
        "contexts", "quality", "cost_usd", "input_tokens", "output_tokens", "list_usd",
    ):  # fmt: skip
        ours, theirs = getattr(given, name), getattr(found, name)
        assert (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape)
        assert theirs.tobytes() == ours.tobytes()


def test_a_decision_is_found_from_the_moment_append_returns(store: Store) -> None:
    for i in range(200):
        future = store.append([decision(f"d{i}")])
        found = store.decision(f"d{i}")
        assert found is not None
        assert found.id == f"d{i}"
        # and once it is durable, whatever was cached meanwhile
        if i % 20 == 0:
            done(future)
            assert store.decision("d0") is not None


def test_nothing_is_found_under_an_unknown_id(store: Store) -> None:
    assert store.decision("nobody") is None
    assert list(store.outcomes("nobody")) == []


def test_a_failed_append_changes_nothing(store: Store) -> None:
    fold = Fold()
    store.subscribe(fold)
    done(store.append([decision("d"), outcome("d")]))
    failing = store.append([decision("new"), decision("d", index=9), outcome("d")])
    with pytest.raises(StoreError):
        done(failing)
    assert store.decision("new") is None
    first = store.decision("d")
    assert first is not None
    assert first.index == 0
    assert len(store.outcomes("d")) == 1
    done(store.append([decision("next")]))
    assert fold.ids == ["d", "of d", "next"]
    assert [entry.seq for entry in store.read()] == [1, 2, 3]


def test_only_the_guilty_call_among_many_fails(store: Store) -> None:
    fold = Fold()
    store.subscribe(fold)
    ids = [f"d{i}" for i in range(40)]
    ids[23] = "d7"
    futures = [store.append([decision(each)]) for each in ids]
    failed = [at for at, future in enumerate(futures) if future.exception(PATIENCE_S)]
    assert failed == [23]
    assert fold.ids == ids[:23] + ids[24:]
    assert [entry.seq for entry in store.read()] == list(range(1, 40))
    assert store.decision("d7") is not None


def test_a_fold_that_raises_tells_its_caller_and_stops_nobody(store: Store) -> None:
    folded: list[str] = []

    def fold(entries: Sequence[Entry]) -> None:
        for entry in entries:
            if name_of(entry.record) == "bad":
                raise RuntimeError("cannot learn this")
            folded.append(name_of(entry.record))

    store.subscribe(fold)
    futures = [store.append([decision(each)]) for each in ("one", "bad", "two")]
    done(futures[0])
    with pytest.raises(RuntimeError, match="cannot learn this"):
        done(futures[1])
    done(futures[2])
    assert folded == ["one", "two"]
    assert [entry.seq for entry in store.read()] == [1, 2, 3]


def test_reading_goes_on_after_a_place(store: Store) -> None:
    for i in range(5):
        done(store.append([decision(f"d{i}")]))
    assert [entry.seq for entry in store.read(3)] == [4, 5]
    assert list(store.read(5)) == []
    assert list(store.read(99)) == []


def test_an_empty_append_resolves_and_folds_nothing(store: Store) -> None:
    fold = Fold()
    store.subscribe(fold)
    store.append([decision("d")])
    done(store.append([]))
    assert fold.ids == ["d"]


def test_the_recent_decisions_come_newest_first_with_their_outcomes(store: Store) -> None:
    for i in range(4):
        done(store.append([decision(f"d{i}"), outcome(f"d{i}", i / 4), outcome(f"d{i}", 1.0)]))
    found = store.recent(2)
    assert [each.id for each, _ in found] == ["d3", "d2"]
    assert [[each.quality for each in outcomes] for _, outcomes in found] == [[0.75, 1.0], [0.5, 1]]
    assert len(store.recent(100)) == 4
    assert list(store.recent(0)) == []


def test_the_newest_snapshot_is_kept(store: Store) -> None:
    assert store.snapshot() is None
    for seq, state in ((3, b"three\x00"), (7, b"seven"), (9, b""), (9, b"nine again")):
        store.save_snapshot(seq, state)
        assert store.snapshot() == (seq, state)


def test_notes_are_kept_and_replaced(store: Store) -> None:
    assert store.meta("embedder") is None
    store.set_meta("embedder", "static-v1")
    store.set_meta("embedder", "žluť'; --")
    assert store.meta("embedder") == "žluť'; --"


def test_concurrent_callers_are_all_kept_each_in_its_own_order(store: Store) -> None:
    fold = Fold()
    store.subscribe(fold)

    def append_some(name: str) -> None:
        for future in [store.append([decision(f"{name}{i}")]) for i in range(50)]:
            done(future)

    threads = [Thread(target=append_some, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.seq for entry in fold.entries] == list(range(1, 401))
    for name in "abcdefgh":
        mine = [int(each[1:]) for each in fold.ids if each[0] == name]
        assert len(mine) == 50
        assert all(earlier < later for earlier, later in pairwise(mine))


def test_closing_keeps_what_waits_and_takes_no_more(store: Store) -> None:
    futures = [store.append([decision(f"d{i}")]) for i in range(100)]
    store.close()
    store.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(StoreError, match="closed"):
        done(store.append([decision("late")]))


def called(
    decision_id: str, kind: OutcomeKind, cost: float | None, charged: float | None
) -> Outcome:
    return Outcome(decision_id, "a/small", kind, cost_usd=cost, charged_usd=charged, at=2.5)


def test_what_a_client_spent_is_told_by_the_newest_outcome_of_each_call(store: Store) -> None:
    odd = "k'; DROP TABLE decisions; --"
    clients = {
        "answered": Client("t", odd, "cheap", held_usd=9.0),
        "fell back": Client("t", odd, None, held_usd=9.0),
        "failed": Client("t", odd, "cheap", held_usd=9.0),
        "in flight": Client("t", odd, "cheap", held_usd=4.0),
        "unbudgeted": Client("t", odd),
        "another's": Client("u", "k2", "cheap"),
        "nobody's": None,
    }
    done(store.append([decision(name, at, who) for at, (name, who) in enumerate(clients.items())]))
    done(
        store.append(
            [
                called("answered", "completion", 0.5, None),
                Outcome("answered", "a/small", "feedback", quality=1.0, cost_usd=7.0, at=3.0),
                called("fell back", "failure", None, 9.25),
                called("fell back", "completion", 0.125, 0.375),
                called("failed", "failure", None, 0.0),
                called("another's", "completion", 2.0, None),
                called("nobody's", "completion", 1.0, None),
            ]
        )
    )
    assert store.spent_nano("key", odd, 0.0) == pytest.approx((0.5 + 0.375 + 4.0) * 1e9, abs=5)
    assert store.spent_nano("alias", "cheap", 0.0) == pytest.approx(6.5e9, abs=5)
    assert store.spent_nano("key", "k2", 1.5) == pytest.approx(2e9, abs=1)
    assert store.spent_nano("key", "k2", 1.6) == store.spent_nano("key", "k3", 0.0) == 0
    kept = store.decision("in flight")
    assert kept is not None
    assert kept.client == clients["in flight"]


def test_bills_count_for_their_key_from_when_they_began(store: Store) -> None:
    odd = "k'; DROP TABLE bills; --"
    done(store.append([decision("d", 0, Client("t", odd, held_usd=1.0))]))
    began = store.spent_nano("key", odd, 0.0)
    store.keep_bill(Bill("b1", odd, 900, 10.0))
    store.keep_bill(Bill("b2", odd, 50, 20.0))
    store.keep_bill(Bill("b3", "another", 7, 20.0))
    assert store.spent_nano("key", odd, 0.0) - began == 950
    store.keep_bill(Bill("b1", odd, 100, 10.0))  # what it came to, in place of what it could
    assert store.spent_nano("key", odd, 0.0) - began == 150
    assert store.spent_nano("key", odd, 15.0) == 50
    assert store.spent_nano("key", odd, 20.1) == store.spent_nano("alias", odd, 0.0) == 0


def test_what_was_spent_is_never_told_too_little(store: Store) -> None:
    costs = [1e-9 / 3, 0.1, 7e-10, 1e-6, 123.456789123]
    ids = [f"d{place}" for place in range(len(costs))]
    done(store.append([decision(each, 0, Client(key="k")) for each in ids]))
    bills = [called(each, "completion", cost, None) for each, cost in zip(ids, costs, strict=True)]
    done(store.append(bills))
    exact = sum(Decimal(repr(cost)) for cost in costs) * 10**9
    assert exact <= store.spent_nano("key", "k", 0.0) <= exact + len(costs) + 1
