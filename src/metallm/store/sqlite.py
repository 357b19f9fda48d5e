"""The log in an SQLite file: acknowledged means kept, through a kill -9."""

from __future__ import annotations

import atexit
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from metallm.errors import StoreError
from metallm.store.connection import told
from metallm.store.lock import FileLock
from metallm.store.queue import PATIENCE_S, CommitQueue
from metallm.store.reader import LogReader
from metallm.store.visible import VisibleDecisions
from metallm.store.writer import LogWriter

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from metallm.core.bill import Bill
    from metallm.core.decision import Decision
    from metallm.core.log import Entry, Record
    from metallm.core.outcome import Outcome
    from metallm.store.counts import Counts
    from metallm.store.queue import Waiting


class SqliteStore:
    """A `Store` in one file (with -wal and -shm beside it while it is open).

    Appending is quick and never touches the disk in the caller's thread; one writer thread
    commits all that waits in one transaction, folds it, and resolves the futures. Looking up a
    decision that is neither waiting nor recent, and everything else that reads, does touch it.

    Args:
        path: the file; made where there is none, its folder must exist.
        read_only: look on while another process writes; appending fails.
        max_waiting: records that may wait before `append` blocks.
        max_batch: records in a transaction.
        patience_s: seconds that what is appended in no hurry waits for company at most.
        cache: recent decisions that are found without the disk.

    Raises:
        StoreBusyError: another store writes this file.
        StoreError: the file cannot be opened, is none of ours, or is of a newer version.
    """

    durable = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        read_only: bool = False,
        max_waiting: int = 100_000,
        max_batch: int = 10_000,
        patience_s: float = PATIENCE_S,
        cache: int = 2_048,
    ) -> None:
        self.path = Path(path).resolve()
        self._visible = VisibleDecisions(cache)
        self._fold: Callable[[Sequence[Entry]], None] | None = None
        self._closing = Lock()
        self._closed = False
        self._writer: LogWriter | None = None
        self._queue: CommitQueue | None = None
        with ExitStack() as opened:
            if not read_only:
                opened.callback(FileLock(self.path).release)
                self._writer = LogWriter(self.path)
                opened.callback(self._writer.close)
            self._reader = LogReader(self.path)
            opened.callback(self._reader.close)
            if self._writer is not None:
                self._writer.continue_after(self._reader.last_seq())
                self._queue = CommitQueue(
                    self._commit,
                    max_batch=max_batch,
                    max_waiting=max_waiting,
                    patience_s=patience_s,
                )
                opened.callback(self._queue.close)
            # closed in reverse: the queue drains first, the lock goes last
            self._opened = opened.pop_all()
        atexit.register(self.close)

    def subscribe(self, fold: Callable[[Sequence[Entry]], None]) -> None:
        """Have `fold` called, in the writer thread, with what is appended from now on.

        What was appended before is not folded: subscribe first, or `read` what was missed. The
        fold gets the entries of one `append` at a time; what it raises goes to that call's
        future, and the entries stay in the log.

        Raises:
            StoreError: a fold is set already.
        """
        if self._fold is not None:
            raise StoreError(f"the log {self.path} already has a fold: one router owns one store")
        self._fold = fold

    def append(self, records: Sequence[Record]) -> Future[None]:
        """Append records, all or none. The future resolves once they are durable and folded.

        Blocks only while more than `max_waiting` records wait. Cancelling the future does not
        take them back. An empty call resolves once all before it is durable.

        Raises:
            StoreError: (through the future) they could not be written, or the store is closed
                or read-only; nothing was folded.
        """
        return self._append(tuple(records), patient=False)

    def append_patiently(self, records: Sequence[Record]) -> Future[None]:
        """As `append`, in no hurry: for some milliseconds others may join them in one sync."""
        return self._append(tuple(records), patient=True)

    def join(self, waiting: Future[None], records: Sequence[Record]) -> bool:
        """Have outcomes written together with what still waits, in one transaction.

        Args:
            waiting: what `append_patiently` gave; from now on it is that of these records too.
            records: outcomes.

        Returns:
            False, with nothing done, where it no longer waits: then they are to be appended.
        """
        return self._queue is not None and self._queue.join(waiting, tuple(records))

    def _append(self, kept: tuple[Record, ...], *, patient: bool) -> Future[None]:
        if self._queue is None:
            return _failed(StoreError(f"the log {self.path} is open for reading only"))
        self._visible.announce(kept)
        try:
            return self._queue.put(kept, patient=patient)
        except StoreError as error:
            self._visible.withdraw(kept)
            return _failed(error)

    def decision(self, decision_id: str) -> Decision | None:
        """A decision by its id, from the moment `append` was called."""
        return self._visible.find(decision_id) or self._reader.decision(decision_id)

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """The outcomes of a decision that are durable, oldest first."""
        return self._reader.outcomes(decision_id)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries with a place above `after`, in order, a window at a time.

        Raises:
            StoreError: the file cannot be read, or an entry is missing or damaged.
        """
        return self._reader.read(after)

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest durable decisions with their outcomes, newest first."""
        return self._reader.recent(limit)

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What the durable decisions and bills of a client came to since a moment, in nano-USD."""
        return self._reader.spent_nano(by, name, since)

    def keep_bill(self, bill: Bill) -> None:
        """Keep what a call came to that is no decision; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        self._writable().keep_bill(bill)

    def counts(self) -> Counts:
        """How much the log holds."""
        return self._reader.counts()

    def save_snapshot(self, seq: int, state: bytes) -> None:
        """Keep what was folded from the entries up to `seq`; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        self._writable().save_snapshot(seq, state)

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot and the place it covers, or None."""
        return self._reader.snapshot()

    def meta(self, key: str) -> str | None:
        """What was noted about this log under `key`, or None."""
        return self._reader.meta(key)

    def set_meta(self, key: str, value: str) -> None:
        """Note something about this log, such as the id of its embedder; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        self._writable().set_meta(key, value)

    def close(self) -> None:
        """Write what is waiting, then let go of the file. Calling it twice is fine."""
        with self._closing:
            if not self._closed:
                self._closed = True
                atexit.unregister(self.close)
                self._opened.close()

    def _writable(self) -> LogWriter:
        if self._writer is None:
            raise StoreError(f"the log {self.path} is open for reading only")
        return self._writer

    def _commit(self, batch: Sequence[Waiting]) -> None:
        """Write a batch; one that fails is halved until only what is guilty fails."""
        try:
            entries = self._writable().write([waiting.records for waiting in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to who waits for it
            if len(batch) > 1:
                middle = len(batch) // 2
                self._commit(batch[:middle])
                self._commit(batch[middle:])
            else:
                self._refuse(batch[0], error)
            return
        for waiting in batch:
            self._visible.settle(waiting.records)
        for waiting, folded in zip(batch, entries, strict=True):
            self._acknowledge(waiting.future, folded)

    def _refuse(self, waiting: Waiting, error: Exception) -> None:
        self._visible.withdraw(waiting.records)
        refused = StoreError(f"the log {self.path} did not take the records: {told(error)}")
        refused.__cause__ = error
        waiting.future.set_exception(refused)

    def _acknowledge(self, future: Future[None], entries: Sequence[Entry]) -> None:
        try:
            if self._fold is not None and entries:
                self._fold(entries)
        except Exception as error:  # noqa: BLE001 - the writer goes on, who waits is told
            future.set_exception(error)
        else:
            future.set_result(None)


def _failed(error: StoreError) -> Future[None]:
    future: Future[None] = Future()
    future.set_exception(error)
    return future
