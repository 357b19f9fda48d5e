"""Judgements of one decision get into the log in the order in which they were given."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.log import Record
from metallm.core.outcome import Outcome
from metallm.errors import FeedbackConflictError, StoreError
from metallm.router import turns
from metallm.router.answers import Judgement
from metallm.store.memory import MemoryStore
from metallm.store.sqlite import SqliteStore


class Held(MemoryStore):
    """A log that takes feedback only when told to, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[tuple[Sequence[Record], Future[None]]] = []

    def append(self, records: Sequence[Record]) -> Future[None]:
        if not any(isinstance(each, Outcome) and each.kind == "feedback" for each in records):
            return super().append(records)
        future: Future[None] = Future()
        self.held.append((records, future))
        return future

    def take(self, place: int) -> None:
        records, future = self.held.pop(place)
        error = super().append(records).exception()
        future.set_result(None) if error is None else future.set_exception(error)

    def take_newest_first(self) -> None:
        while self.held:
            self.take(-1)

    def refuse(self, place: int) -> None:
        self.held.pop(place)[1].set_exception(StoreError("the disk is full"))


class Shuffling(Held):
    """A log with a thread of its own that takes what waits in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._holding = threading.Lock()
        self._waits = threading.Semaphore(0)
        self._chance = np.random.default_rng(4)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def append(self, records: Sequence[Record]) -> Future[None]:
        with self._holding:
            before = len(self.held)
            future = super().append(records)
            after = len(self.held)
        if after > before:
            self._waits.release()
        return future

    def stop(self) -> None:
        self._waits.release()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._waits.acquire()
            with self._holding:
                if not self.held:
                    return
                records, future = self.held.pop(int(self._chance.integers(len(self.held))))
            MemoryStore.append(self, records).result()
            future.set_result(None)


def _router(store: Any) -> Router:
    return metallm.Router(
        [CHEAP, DEAR], embedder=HashEmbedder(), new_id=counting_ids(), store=store
    )


def _held(router: Router) -> tuple[float, float]:
    """How many outcomes the arms hold, and the sum of their qualities."""
    state = router.knowledge.learner.state()
    assert len(state["memory_y"]) == state["ridge_n"].sum()
    return float(state["ridge_n"].sum()), float(state["ridge_sy"].sum())


def _check_chain(router: Router, decision_id: str) -> list[float | None]:
    """Each outcome takes back what the one before it in the log had taught."""
    outcomes = router.outcomes(decision_id)
    taught = [each.quality for each in outcomes]
    assert [each.replaces for each in outcomes] == [None, *taught[:-1]]
    return taught


def test_a_correction_waits_for_what_it_corrects_whatever_the_log_takes_first() -> None:
    store = Held()
    router = _router(store)
    one, other = router.decide_many(["a text", "another"])
    futures = [
        router.submit_feedback(Judgement(decision.id, quality, replace=True))[1]
        for quality in (0.0, 1.0, 0.5)
        for decision in (one, other)
    ]
    assert len(store.held) == 2  # decisions do not wait for each other
    assert not any(future.done() for future in futures)
    store.take_newest_first()
    assert all(future.done() for future in futures)
    assert _check_chain(router, one.id) == _check_chain(router, other.id) == [0.0, 1.0, 0.5]
    assert _held(router) == (2.0, 1.0)


@pytest.mark.parametrize("kind", ["a shuffling log", "sqlite"])
def test_corrections_from_many_threads_leave_one_judgement_learned(
    kind: str, tmp_path: Path
) -> None:
    store: Any = Shuffling() if kind == "a shuffling log" else SqliteStore(tmp_path / "log.db")
    router = _router(store)
    ids = [each.id for each in router.decide_many(["first", "second", "third"])]
    start = threading.Barrier(8)

    def correct(worker: int) -> None:
        start.wait()
        for step in range(12):
            # no two alike: a repeat would not be logged
            quality = (worker * 12 + step + 1) / 100
            router.feedback(ids[step % 3], quality=quality, replace=True)

    threads = [threading.Thread(target=correct, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = [_check_chain(router, each)[-1] for each in ids]
    count, total = _held(router)
    assert count == router.knowledge.outcomes == 3
    assert total == pytest.approx(sum(each or 0.0 for each in last), abs=1e-9)
    if isinstance(store, Shuffling):
        store.stop()
    router.close()


def test_what_was_made_from_a_refused_judgement_is_refused_with_it() -> None:
    store = Held()
    router = _router(store)
    decision = router.decide("a text")
    first = router.submit_feedback(Judgement(decision.id, 0.0))[1]
    second = router.submit_feedback(Judgement(decision.id, 1.0, replace=True))[1]
    again = router.submit_feedback(Judgement(decision.id, 1.0))[1]
    store.refuse(0)
    assert str(first.exception()) == "the disk is full"
    for future in (second, again):
        assert isinstance(future.exception(), StoreError)
        assert "send both again (the disk is full)" in str(future.exception())
    assert store.held == []
    assert router.outcomes(decision.id) == []
    # what stands is what the log says: nothing, so that this is no contradiction
    outcome, future = router.submit_feedback(Judgement(decision.id, 0.25))
    assert outcome.replaces is None
    store.take_newest_first()
    assert future.exception() is None
    assert _held(router) == (1.0, 0.25)


def test_after_a_refused_correction_the_judgement_before_it_stands() -> None:
    store = Held()
    router = _router(store)
    decision = router.decide("a text")
    router.submit_feedback(Judgement(decision.id, 0.0))
    store.take_newest_first()
    router.submit_feedback(Judgement(decision.id, 1.0, replace=True))
    store.refuse(0)
    with pytest.raises(FeedbackConflictError, match="quality 0"):
        router.submit_feedback(Judgement(decision.id, 1.0))
    assert router.submit_feedback(Judgement(decision.id, 0.0))[1].exception() is None


def test_a_judgement_is_made_again_from_the_log_if_one_was_refused_while_it_was_read() -> None:
    class Interrupted(Held):
        """While the outcomes are read another correction comes, and is refused."""

        reads = 0

        def outcomes(self, decision_id: str) -> Sequence[Outcome]:
            found = super().outcomes(decision_id)
            self.reads += 1
            if self.reads == 2:
                self.take_newest_first()
                router.submit_feedback(Judgement(decision_id, 0.75, replace=True))
                self.refuse(0)
            return found

    store = Interrupted()
    router = _router(store)
    decision = router.decide("a text")
    router.submit_feedback(Judgement(decision.id, 0.0))
    outcome, _ = router.submit_feedback(Judgement(decision.id, 1.0, replace=True))
    assert outcome.replaces == 0.0
    assert store.reads == 4
    store.take_newest_first()
    assert _held(router) == (1.0, 1.0)


@pytest.mark.parametrize("refused", [False, True])
def test_thousands_of_repeats_end_with_the_judgement_that_they_repeat(refused: bool) -> None:
    store = Held()
    router = _router(store)
    decision = router.decide("a text")
    futures = [router.submit_feedback(Judgement(decision.id, 1.0))[1] for _ in range(3000)]
    assert not any(future.done() for future in futures)
    store.refuse(0) if refused else store.take(0)
    assert all(future.done() for future in futures)
    assert all((future.exception() is not None) == refused for future in futures)
    assert store.held == []
    assert router.knowledge.outcomes == (0 if refused else 1)


def test_a_judgement_whose_waiter_gave_up_is_learned_all_the_same() -> None:
    store = Held()
    router = _router(store)
    decision = router.decide("a text")
    _, future = router.submit_feedback(Judgement(decision.id, 1.0))
    assert not future.cancel()
    store.take_newest_first()
    assert router.knowledge.outcomes == 1


def test_a_router_that_closes_has_the_corrections_logged_that_wait_for_their_turn(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.db"
    router = _router(SqliteStore(path))
    decision = router.decide("a text")
    futures = [
        router.submit_feedback(Judgement(decision.id, number / 20, replace=True))[1]
        for number in range(20)
    ]
    router.close()
    assert all(future.exception() is None for future in futures)
    restored = _router(SqliteStore(path))
    assert _check_chain(restored, decision.id) == [number / 20 for number in range(20)]
    assert _held(restored) == pytest.approx((1.0, 0.95))
    restored.close()


def test_what_is_forgotten_is_read_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "REMEMBERED", 2)
    router = _router(None)
    decisions = router.decide_many([f"text {number}" for number in range(5)])
    for decision in decisions:
        router.feedback(decision.id, quality=1.0)
    for decision in decisions:
        router.feedback(decision.id, quality=1.0)
        with pytest.raises(FeedbackConflictError):
            router.feedback(decision.id, quality=0.0)
    assert router.knowledge.outcomes == 5
