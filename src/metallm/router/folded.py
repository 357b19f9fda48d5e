"""The log with what was learned from it: knowledge is a fold over entries, live or after a restart.

Nothing is learned but by an entry that is durable, in the order of the log. From time to time a
snapshot of what is known is kept beside the log, so that a restart folds only what came after it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

from metallm.core.protocols import Gathers
from metallm.errors import StoreError, UnknownDecisionError
from metallm.router.cases import further_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from metallm.core.bill import Bill
    from metallm.core.decision import Decision
    from metallm.core.log import Entry, Record
    from metallm.core.outcome import Outcome
    from metallm.core.protocols import Store
    from metallm.router.knowledge import Knowledge

SNAPSHOT_EVERY = 1000
"""Entries between snapshots at the least; with more entries they get rarer, not dearer."""


class FoldedLog:
    """A store and the knowledge that follows from it. Safe to use from several threads.

    Args:
        store: the log; what it holds already is folded first.
        knowledge: that of an empty log.
        reader_id: of the contexts that the log holds.

    Attributes:
        knowledge: what was learned; read and written with `lock` held.
        lock: never held while the store is asked for anything.

    Raises:
        StoreError: the log cannot be read, or belongs to another kind of router.
    """

    def __init__(self, store: Store, knowledge: Knowledge, reader_id: str) -> None:
        self._store = store
        self._gathers = store if isinstance(store, Gathers) else None
        self.knowledge = knowledge
        self.lock = threading.RLock()
        self._closing, self._closed = threading.Lock(), False
        _check_reader(store, reader_id)
        snapshot = store.snapshot()
        if snapshot is not None:
            knowledge.load(snapshot[1])
        for entry in store.read(knowledge.seq):
            knowledge.fold(entry, store.decision)
        self._snapshot_at = knowledge.seq
        store.subscribe(self._fold)

    def append(self, records: Sequence[Record]) -> Future[None]:
        """Log records; the future resolves once they are durable and learned."""
        return self._store.append(records)

    def append_patiently(self, records: Sequence[Record]) -> Future[None]:
        """As `append`; where the store can, others join them for some milliseconds."""
        gathers = self._gathers
        return self._store.append(records) if gathers is None else gathers.append_patiently(records)

    def join(self, waiting: Future[None], records: Sequence[Record]) -> bool:
        """Have outcomes written with what was appended patiently; False where it is too late."""
        return self._gathers is not None and self._gathers.join(waiting, records)

    def entries(self) -> Iterator[Entry]:
        """All that is in the log, in order."""
        return self._store.read()

    def decision(self, decision_id: str) -> Decision:
        """A decision by its id.

        Raises:
            UnknownDecisionError: no such decision.
        """
        decision = self._store.decision(decision_id)
        if decision is None:
            raise UnknownDecisionError(decision_id)
        return decision

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """What became of a decision so far, oldest first."""
        return self._store.outcomes(decision_id)

    def steps(self, first: Decision) -> list[tuple[Decision, Sequence[Outcome]]]:
        """A query's decisions, in order, each with its durable outcomes.

        Args:
            first: the decision that the query began with.
        """
        further = further_steps(first.id, self._store.decision)
        return [(each, self._store.outcomes(each.id)) for each in (first, *further)]

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest decisions with their outcomes, newest first."""
        return self._store.recent(limit)

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What a key or an alias came to since a moment, nano-USD."""
        return self._store.spent_nano(by, name, since)

    def keep_bill(self, bill: Bill) -> None:
        """Keep what a key's call came to that is no decision; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        self._store.keep_bill(bill)

    def close(self, wait: Callable[[], None]) -> None:
        """Keep a snapshot and let go of the log. Calling it twice is fine, from any thread.

        Args:
            wait: returns once nothing more is on its way to the log.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                wait()
                # once all that waits is folded; a log that its owner closed before takes no more
                if self._store.append([]).exception() is None:
                    self._keep_snapshot()
            finally:
                self._store.close()

    def _fold(self, entries: Sequence[Entry]) -> None:
        with self.lock:
            for entry in entries:
                self.knowledge.fold(entry, self._store.decision)
            seq = self.knowledge.seq
            if not self._store.durable or seq < self._snapshot_at + max(
                SNAPSHOT_EVERY, self._snapshot_at // 4
            ):
                return
            self._snapshot_at, state = seq, self.knowledge.dump()
        self._store.save_snapshot(seq, state)

    def _keep_snapshot(self) -> None:
        """Keep what is known now, where the log holds more than the last snapshot covers."""
        with self.lock:
            seq, state = self.knowledge.seq, self.knowledge.dump()
            stale = self._store.durable and seq > self._snapshot_at
            self._snapshot_at = seq
        if stale:
            self._store.save_snapshot(seq, state)


def _check_reader(store: Store, ours: str) -> None:
    """Vector spaces are never mixed: a log belongs to the embedder that it began with."""
    known = store.meta("embedder")
    if known is None:
        store.set_meta("embedder", ours)
    elif known != ours:
        raise StoreError(
            f"the log was written with the embedder {known!r}, this router has "
            f"{ours!r}: use the embedder and policy it began with, or another log"
        )
