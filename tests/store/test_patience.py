"""What need not hurry waits for company: a decision for its outcome, both for one sync."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from doubles import CHEAP, DEAR, HashEmbedder
from metallm.assembly import Router
from metallm.core.decision import Decision
from metallm.core.log import Entry
from metallm.core.outcome import Outcome
from metallm.errors import StoreError
from metallm.providers.scripted import ScriptedProvider
from metallm.store.sqlite import SqliteStore

Make = Callable[..., Decision]

SOON_S = 30.0
"""Of real time, and never used up but by a test that fails."""

FOR_EVER_S = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "log.db", patience_s=FOR_EVER_S)
    yield made
    made.close()


def _outcome(decision_id: str) -> Outcome:
    return Outcome(decision_id, "a/small", "completion")


def test_an_outcome_is_written_with_its_decision_and_learned_with_it(
    store: SqliteStore, make_decision: Make
) -> None:
    folded: list[Sequence[Entry]] = []
    store.subscribe(folded.append)
    durable = store.append_patiently([make_decision("a")])
    assert store.decision("a") is not None
    assert not durable.done()
    assert store.join(durable, [_outcome("a")])
    durable.result(SOON_S)
    assert [[entry.seq for entry in entries] for entries in folded] == [[1, 2]]
    assert [outcome.decision_id for outcome in store.outcomes("a")] == ["a"]


def test_what_was_written_is_joined_by_nothing(store: SqliteStore, make_decision: Make) -> None:
    patient = store.append_patiently([make_decision("a")])
    store.append([make_decision("b")]).result(SOON_S)
    patient.result(0)  # whoever hurries takes all that wait along
    assert not store.join(patient, [_outcome("a")])
    hurried = store.append([make_decision("c")])
    assert not store.join(hurried, [_outcome("c")])
    hurried.result(SOON_S)
    assert [entry.seq for entry in store.read()] == [1, 2, 3]


def test_what_nothing_joins_is_written_once_its_patience_ends(
    tmp_path: Path, make_decision: Make
) -> None:
    store = SqliteStore(tmp_path / "log.db", patience_s=0.001)
    for number in range(3):
        store.append_patiently([make_decision(str(number))]).result(SOON_S)
    assert len(list(store.read())) == 3
    store.close()


def test_what_waits_when_the_log_is_closed_is_written(tmp_path: Path, make_decision: Make) -> None:
    path = tmp_path / "log.db"
    store = SqliteStore(path, patience_s=FOR_EVER_S)
    durable = store.append_patiently([make_decision("a")])
    store.close()
    durable.result(0)
    again = SqliteStore(path, read_only=True)
    assert again.decision("a") is not None
    with pytest.raises(StoreError, match="reading only"):
        again.append_patiently([make_decision("b")]).result(0)
    assert not again.join(durable, [_outcome("a")])
    again.close()


def test_what_joined_a_decision_that_cannot_be_written_is_not_written_either(
    store: SqliteStore, make_decision: Make
) -> None:
    store.append([make_decision("a")]).result(SOON_S)
    twice, fine = store.append_patiently([make_decision("a")]), make_decision("b")
    beside = store.append_patiently([fine])
    assert store.join(twice, [_outcome("a")])
    with pytest.raises(StoreError, match="did not take the records"):
        twice.result(SOON_S)
    beside.result(SOON_S)
    assert list(store.outcomes("a")) == []
    assert store.decision("b") is not None


def test_many_rows_are_written_in_order_whatever_their_number(
    store: SqliteStore, make_decision: Make
) -> None:
    made = [make_decision(f"d{number}") for number in range(75)]
    told = [_outcome(decision.id) for decision in made]
    store.append([each for pair in zip(made, told, strict=True) for each in pair]).result(SOON_S)
    entries = list(store.read())
    assert [entry.seq for entry in entries] == list(range(1, 151))
    known = [each.record.id for each in entries if isinstance(each.record, Decision)]
    assert known == [decision.id for decision in made]


def test_an_answer_waits_for_its_own_outcome_alone(store: SqliteStore) -> None:
    provider = ScriptedProvider({CHEAP.name: "fine", DEAR.name: "fine"})
    router = Router([CHEAP, DEAR], embedder=HashEmbedder(), provider=provider, store=store)
    for text in ("first", "second"):
        answer = asyncio.run(router.complete(text))
        assert store.decision(answer.decision_id) is not None
        assert len(store.outcomes(answer.decision_id)) == 1
    router.close()
