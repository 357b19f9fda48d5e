"""The log in memory: the public double, and the store where none is set."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, Literal

from metallm.core.decision import Decision
from metallm.core.log import Entry
from metallm.core.outcome import Outcome, Recorded
from metallm.core.spending import charged_nano
from metallm.errors import ConfigurationError, StoreError
from metallm.store.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from metallm.core.bill import Bill
    from metallm.core.log import Record


def _resolved(error: Exception | None = None) -> Future[None]:
    future: Future[None] = Future()
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
    return future


# a future that is done never changes again, so all who succeed can share one
_DONE = _resolved()


class MemoryStore:
    """A `Store` that keeps its log in memory and folds in the thread that appends.

    Args:
        capacity: decisions that are kept; past it the oldest are forgotten with their outcomes,
            and outcomes that come for them later are folded but not kept. What was folded stays
            learned, recorded tables are never forgotten.

    Raises:
        ConfigurationError: a capacity below 1.
    """

    durable = False

    def __init__(self, *, capacity: int = 200_000) -> None:
        if capacity < 1:
            raise ConfigurationError(f"capacity must be 1 decision or more, not {capacity}")
        self._capacity = capacity
        # reentrant: a fold that appends in turn must not wait for itself
        self._lock = RLock()
        self._entries: dict[int, Entry] = {}
        self._decisions: dict[str, Decision] = {}
        self._outcome_places: dict[str, list[int]] = {}
        # popping the front of a dict again and again is quadratic; a deque keeps it constant
        self._order: deque[tuple[int, str]] = deque()
        self._seq = 0
        self._appended = {Decision: 0, Outcome: 0, Recorded: 0}
        self._fold: Callable[[Sequence[Entry]], None] | None = None
        self._snapshot: tuple[int, bytes] | None = None
        self._meta: dict[str, str] = {}
        self._bills: dict[str, Bill] = {}
        self._closed = False

    def subscribe(self, fold: Callable[[Sequence[Entry]], None]) -> None:
        """Have `fold` called with what is appended from now on.

        Raises:
            StoreError: a fold is set already.
        """
        with self._lock:
            if self._fold is not None:
                raise StoreError("the log already has a fold: one router owns one store")
            self._fold = fold

    def append(self, records: Sequence[Record]) -> Future[None]:
        """Append records and fold them before returning; the future is resolved already.

        Raises:
            StoreError: (through the future) a decision's id is in the log already, or the store
                is closed; nothing was folded. What the fold raises comes through it as well.
        """
        with self._lock:
            refused = self._refusal(records)
            if refused is not None:
                return _resolved(StoreError(refused))
            entries = [self._keep(record) for record in records]
            if self._fold is not None and entries:
                try:
                    self._fold(entries)
                except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                    return _resolved(error)
        return _DONE

    def decision(self, decision_id: str) -> Decision | None:
        """A decision by its id, unless it was forgotten."""
        return self._decisions.get(decision_id)

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """The outcomes of a decision, oldest first; none where the decision was forgotten."""
        with self._lock:
            places = self._outcome_places.get(decision_id, ())
            records = [self._entries[seq].record for seq in places]
        return [record for record in records if isinstance(record, Outcome)]

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries with a place above `after` that were not forgotten, in order."""
        with self._lock:
            entries = list(self._entries.values())
        return (entry for entry in entries if entry.seq > after)

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest decisions with their outcomes, newest first."""
        with self._lock:
            ids = [decision_id for _, decision_id in islice(reversed(self._order), limit)]
            return [(self._decisions[each], self.outcomes(each)) for each in ids]

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What decisions and bills of a client that were not forgotten came to, in nano-USD."""
        with self._lock:
            billed = sum(
                each.nano_usd
                for each in self._bills.values()
                if by == "key" and each.key == name and each.at >= since
            )
            return billed + sum(
                charged_nano(each, self.outcomes(each.id))
                for each in self._decisions.values()
                if each.at >= since and each.client is not None and getattr(each.client, by) == name
            )

    def keep_bill(self, bill: Bill) -> None:
        """Keep what a call came to that is no decision; the oldest are forgotten, as decisions."""
        with self._lock:
            self._bills[bill.id] = bill
            if len(self._bills) > self._capacity:
                del self._bills[next(iter(self._bills))]

    def counts(self) -> Counts:
        """How much was ever appended, what was forgotten since included."""
        counted = self._appended
        return Counts(counted[Decision], counted[Outcome], counted[Recorded])

    def save_snapshot(self, seq: int, state: bytes) -> None:
        """Keep what was folded from the entries up to `seq`; an older one is passed over."""
        with self._lock:
            if self._snapshot is None or seq >= self._snapshot[0]:
                self._snapshot = (seq, state)

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot and the place it covers, or None."""
        return self._snapshot

    def meta(self, key: str) -> str | None:
        """What was noted about this log under `key`, or None."""
        return self._meta.get(key)

    def set_meta(self, key: str, value: str) -> None:
        """Note something about this log, such as the id of its embedder."""
        self._meta[key] = value

    def close(self) -> None:
        """Take no more records. What is there can still be read."""
        self._closed = True

    def _refusal(self, records: Sequence[Record]) -> str | None:
        """Why these records cannot be appended, or None."""
        if self._closed:
            return "the store is closed: nothing more can be appended"
        new = set()
        for record in records:
            if isinstance(record, Decision):
                if record.id in self._decisions or record.id in new:
                    return f"decision {record.id} is in the log already: every id must be new"
                new.add(record.id)
        return None

    def _keep(self, record: Record) -> Entry:
        self._seq += 1
        entry = Entry(self._seq, record)
        self._appended[type(record)] += 1
        if isinstance(record, Outcome):
            places = self._outcome_places.get(record.decision_id)
            if places is None:  # forgotten, or never heard of: keeping it would never end
                return entry
            places.append(entry.seq)
        elif isinstance(record, Decision):
            self._decisions[record.id] = record
            self._outcome_places[record.id] = []
            self._order.append((entry.seq, record.id))
            if len(self._order) > self._capacity:
                self._forget_oldest()
        self._entries[entry.seq] = entry
        return entry

    def _forget_oldest(self) -> None:
        seq, decision_id = self._order.popleft()
        del self._decisions[decision_id]
        self._entries.pop(seq, None)
        for place in self._outcome_places.pop(decision_id):
            del self._entries[place]
