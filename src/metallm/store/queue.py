"""What waits to be written, and the one thread that takes it in batches (group commit)."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Lock, Thread, current_thread
from typing import TYPE_CHECKING

from metallm.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.core.log import Record


PATIENCE_S = 0.005
"""Seconds that what need not hurry waits for company at most."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One call of append, and what joined it.

    Args:
        records: to be written together or not at all.
        future: of the caller.
    """

    records: tuple[Record, ...]
    future: Future[None]


class CommitQueue:
    """Hands what waits to `commit`, in order, always from one thread.

    While one batch is being committed the next one gathers, so that many callers share one sync
    of the disk and a lone one waits for nobody. What need not hurry waits for company, and wakes
    nobody: after each batch the thread looks once more by itself before it sleeps.

    Args:
        commit: writes a batch and resolves its futures; must not raise.
        max_batch: records in a batch, unless a single call brings more.
        max_waiting: records that may wait before `put` blocks.
        patience_s: seconds that what need not hurry waits at most, unless the disk is slower.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Waiting]], None],
        *,
        max_batch: int,
        max_waiting: int,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._commit = commit
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._patience_s = patience_s
        self._waiting: deque[Waiting] = deque()
        self._patient: dict[Future[None], Waiting] = {}
        self._records = 0
        self._hurried = self._asleep = self._closed = False
        lock = Lock()
        self._filled = Condition(lock)
        self._drained = Condition(lock)
        # a daemon: a program that ends without close must not hang; the store closes at exit
        self._thread = Thread(target=self._run, name="metallm-store", daemon=True)
        self._thread.start()

    def put(self, records: tuple[Record, ...], *, patient: bool = False) -> Future[None]:
        """Queue one call's records; blocks while too many wait.

        Args:
            records: of one call.
            patient: whether they may wait for company.

        Raises:
            StoreError: the queue is closed.
        """
        future: Future[None] = Future()
        # running from the start: a caller who gives up waiting does not take back the record
        future.set_running_or_notify_cancel()
        with self._filled:
            # the writer itself, appending from within a fold, would wait for itself
            if current_thread() is not self._thread:
                self._drained.wait_for(self._has_room)
            if self._closed:
                raise StoreError("the store is closed: nothing more can be appended")
            waiting = Waiting(records, future)
            self._waiting.append(waiting)
            self._records += len(records)
            if patient:
                self._patient[future] = waiting
            else:
                self._hurried = True
            if self._asleep or not patient:
                self._filled.notify()
        return future

    def join(self, future: Future[None], records: tuple[Record, ...]) -> bool:
        """Add records to a patient call that still waits; now it hurries.

        Args:
            future: what `put` gave for the call; from now on it is that of these records too.
            records: to be written with it or not at all.

        Returns:
            False, with nothing done, where it no longer waits.
        """
        with self._filled:
            waiting = self._patient.get(future)
            if waiting is None:
                return False
            waiting.records += records
            self._records += len(records)
            self._hurried = True
            self._filled.notify()
        return True

    def close(self) -> None:
        """Take no more, and return once all that waits is committed. Twice is fine."""
        with self._filled:
            self._closed = True
            self._filled.notify_all()
            self._drained.notify_all()
        self._thread.join()

    def _has_room(self) -> bool:
        return self._closed or self._records < self._max_waiting

    def _run(self) -> None:
        while batch := self._take():
            self._commit(batch)

    def _take(self) -> Sequence[Waiting]:
        """The next batch; empty once closed and drained."""
        batch: list[Waiting] = []
        taken = 0
        with self._filled:
            self._rest()
            while self._waiting:
                size = len(self._waiting[0].records)
                if batch and taken + size > self._max_batch:
                    break
                waiting = self._waiting.popleft()
                self._patient.pop(waiting.future, None)
                batch.append(waiting)
                taken += size
            self._hurried = bool(self._waiting)
            self._records -= taken
            self._drained.notify_all()
        return batch

    def _rest(self) -> None:
        """Wait until something is to be written."""
        patience_s: float | None = self._patience_s
        while not (self._hurried or self._closed):
            self._asleep = patience_s is None
            woken = self._filled.wait(patience_s)
            if woken:  # by what may wait still, or hurries
                patience_s = self._patience_s
            elif self._waiting:
                return
            else:
                patience_s = None
