"""Writes a log's file: one transaction for a batch, and the next place in the log."""

from __future__ import annotations

import time
from functools import lru_cache
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any

from metallm.core.decision import Decision
from metallm.core.log import Entry
from metallm.core.outcome import Outcome
from metallm.store.codec import (
    INSERT_DECISION,
    INSERT_OUTCOME,
    INSERT_RECORDED,
    decision_row,
    outcome_row,
    pack_text,
    recorded_row,
)
from metallm.store.connection import open_for_writing, translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metallm.core.bill import Bill
    from metallm.core.log import Record
    from metallm.store.codec import Row

    Statement = tuple[str, list[Any]]
    """SQL and its values."""

ROWS_AT_ONCE = 32
"""Of one statement; SQLite keeps a prepared one for each number of rows."""

_INSERTS = (INSERT_DECISION, INSERT_OUTCOME, INSERT_RECORDED)

SNAPSHOTS_KEPT = 2
"""The newest, and the one before it in case the newest turns out to be unusable."""


class LogWriter:
    """Owns the connection that writes. Its methods return once what they wrote is durable.

    Args:
        path: the log's file; made, or brought to the newest schema.

    Raises:
        StoreError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection = open_for_writing(path)
        self._last = 0

    def continue_after(self, seq: int) -> None:
        """Number the next entry seq + 1."""
        self._last = seq

    def write(self, calls: Sequence[Sequence[Record]]) -> Sequence[Sequence[Entry]]:
        """Append the records of several calls in one transaction, all or none.

        Returns:
            The entries of each call.

        Raises:
            Exception: whatever the codec or SQLite raised; nothing was written.
        """
        entries: list[list[Entry]] = []
        last = self._last
        for records in calls:
            entries.append([Entry(seq, record) for seq, record in enumerate(records, last + 1)])
            last += len(records)
        statements = _statements(entries)
        with self._lock:
            if len(statements) == 1:
                # a transaction by itself
                self._connection.execute(*statements[0])
            elif statements:
                self._in_one(statements)
        self._last = last
        return entries

    def _in_one(self, statements: Sequence[Statement]) -> None:
        """Execute statements in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                self._connection.execute(sql, values)
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite ends the transaction by itself after some errors, a full disk among them
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def save_snapshot(self, seq: int, state: bytes) -> None:
        """Keep a snapshot, and of the older ones only the newest."""
        with self._lock, translated(self._path, "written"), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "INSERT OR REPLACE INTO snapshots (seq, at, state) VALUES (?, ?, ?)",
                (seq, time.time(), state),
            )
            self._connection.execute(
                "DELETE FROM snapshots WHERE seq NOT IN "
                "(SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
                (SNAPSHOTS_KEPT,),
            )

    def set_meta(self, key: str, value: str) -> None:
        """Note `value` under `key`."""
        with self._lock, translated(self._path, "written"):
            self._connection.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value)
            )

    def keep_bill(self, bill: Bill) -> None:
        """Keep a bill, in place of the one of its id."""
        row = (bill.id, pack_text(bill.key), bill.at, bill.nano_usd)
        with self._lock, translated(self._path, "written"):
            self._connection.execute(
                'INSERT OR REPLACE INTO bills (id, "key", at, nano_usd) VALUES (?, ?, ?, ?)', row
            )

    def close(self) -> None:
        """Move what the WAL holds into the file, then let go of both."""
        with self._lock, translated(self._path, "closed"):
            try:
                # a reader in the middle of a stream makes this incomplete, never wrong
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._connection.close()


def _statements(calls: Sequence[Sequence[Entry]]) -> list[Statement]:
    """What writes entries, in as few statements as can be.

    Python's SQLite lets go of the interpreter's lock several times a statement, and each time the
    event loop may take it: what a statement costs is waiting, whatever it holds.
    """
    found: list[Statement] = []
    for insert, rows in zip(_INSERTS, _rows(calls), strict=True):
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            found.append((_insert(insert, len(some)), list(chain.from_iterable(some))))
    return found


@lru_cache(maxsize=len(_INSERTS) * ROWS_AT_ONCE)
def _insert(insert: str, rows: int) -> str:
    """The statement that inserts several rows at once."""
    head, values, row = insert.partition("VALUES ")
    return head + values + ", ".join([row] * rows)


def _rows(calls: Sequence[Sequence[Entry]]) -> tuple[list[Row], list[Row], list[Row]]:
    """The rows of decisions, outcomes and recorded outcomes."""
    decisions: list[Row] = []
    outcomes: list[Row] = []
    recorded: list[Row] = []
    for entries in calls:
        for entry in entries:
            record = entry.record
            if isinstance(record, Decision):
                decisions.append(decision_row(entry.seq, record))
            elif isinstance(record, Outcome):
                outcomes.append(outcome_row(entry.seq, record))
            else:
                recorded.append(recorded_row(entry.seq, record))
    return decisions, outcomes, recorded
