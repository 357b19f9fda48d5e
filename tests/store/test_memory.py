from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from metallm.core.bill import Bill
from metallm.core.decision import Decision
from metallm.core.log import Entry
from metallm.core.outcome import Outcome
from metallm.errors import ConfigurationError
from metallm.store.counts import Counts
from metallm.store.memory import MemoryStore

Make = Callable[..., Decision]


def test_past_its_capacity_the_oldest_decisions_go_with_their_outcomes(make_decision: Make) -> None:
    store = MemoryStore(capacity=2)
    for i in range(4):
        store.append([make_decision(f"d{i}"), Outcome(f"d{i}", "a/small", "completion")])
    assert [store.decision(f"d{i}") is None for i in range(4)] == [True, True, False, False]
    assert list(store.outcomes("d1")) == []
    assert [entry.seq for entry in store.read()] == [5, 6, 7, 8]
    assert store.counts() == Counts(decisions=4, outcomes=4, recorded=0)


def test_an_outcome_of_a_forgotten_decision_is_folded_but_not_kept(make_decision: Make) -> None:
    store = MemoryStore(capacity=1)
    folded: list[Entry] = []
    store.subscribe(folded.extend)
    store.append([make_decision("old")])
    store.append([make_decision("new")])
    store.append([Outcome("old", "a/small", "feedback", quality=1.0)])
    assert [entry.seq for entry in folded] == [1, 2, 3]
    assert [entry.seq for entry in store.read()] == [2]


def test_records_are_folded_before_append_returns(make_decision: Make) -> None:
    store = MemoryStore()
    folded: list[Entry] = []
    store.subscribe(folded.extend)
    assert store.append([make_decision("d")]).done()
    assert len(folded) == 1


def test_a_fold_may_append_in_turn(make_decision: Make) -> None:
    store = MemoryStore()
    seen: list[int] = []

    def fold(entries: Sequence[Entry]) -> None:
        seen.extend(entry.seq for entry in entries)
        if entries[0].seq == 1:
            store.append([make_decision("second")])

    store.subscribe(fold)
    store.append([make_decision("first")])
    assert seen == [1, 2]


def test_an_older_snapshot_does_not_replace_a_newer_one() -> None:
    store = MemoryStore()
    store.save_snapshot(5, b"five")
    store.save_snapshot(4, b"four")
    assert store.snapshot() == (5, b"five")


def test_reading_is_not_disturbed_by_appending(make_decision: Make) -> None:
    store = MemoryStore(capacity=2)
    store.append([make_decision("a"), make_decision("b")])
    reading = store.read()
    store.append([make_decision("c")])
    assert [entry.seq for entry in reading] == [1, 2]


def test_past_its_capacity_the_oldest_bills_go() -> None:
    store = MemoryStore(capacity=2)
    for place in range(4):
        store.keep_bill(Bill(f"b{place}", "k", 10**place, float(place)))
    assert store.spent_nano("key", "k", 0.0) == 1100


def test_a_capacity_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="1 decision or more"):
        MemoryStore(capacity=0)
