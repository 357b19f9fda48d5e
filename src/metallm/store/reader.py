"""Reads a log's file, beside whoever writes it."""

from __future__ import annotations

from contextlib import closing
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from metallm.core.log import Entry
from metallm.errors import StoreError
from metallm.store.codec import decision_of, outcome_of, pack_text, recorded_of
from metallm.store.connection import open_for_reading, translated
from metallm.store.counts import Counts

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from metallm.core.decision import Decision
    from metallm.core.log import Record
    from metallm.core.outcome import Outcome
    from metallm.store.codec import Row

R = TypeVar("R", bound="Record")

WINDOW = 1000
"""Entries that a stream holds at a time."""

_LAST = (
    "SELECT max(coalesce((SELECT max(seq) FROM decisions), 0), "
    "coalesce((SELECT max(seq) FROM outcomes), 0), coalesce((SELECT max(seq) FROM recorded), 0))"
)
_COUNTS = (
    "SELECT (SELECT count(*) FROM decisions), (SELECT count(*) FROM outcomes), "
    "(SELECT count(*) FROM recorded)"
)
# as `core.spending.charged_nano`
_SPENT = {
    column: f"""
        SELECT coalesce(sum(CAST(usd * 1e9 AS INTEGER) + (usd > 0)), 0) FROM (
            SELECT coalesce((
                SELECT coalesce(charged_usd, cost_usd, 0)
                FROM outcomes
                WHERE decision_id = decisions.id AND kind <> 'feedback'
                ORDER BY seq DESC LIMIT 1
            ), held_usd, 0) AS usd
            FROM decisions WHERE "{column}" = ? AND at >= ?
        )
    """  # noqa: S608 - one of these two names
    for column in ("key", "alias")
}
_BILLED = 'SELECT coalesce(sum(nano_usd), 0) FROM bills WHERE "key" = ? AND at >= ?'
_WINDOWS: tuple[tuple[str, Callable[[Row], Record]], ...] = (
    ("SELECT * FROM decisions WHERE seq BETWEEN ? AND ?", decision_of),
    ("SELECT * FROM outcomes WHERE seq BETWEEN ? AND ?", outcome_of),
    ("SELECT * FROM recorded WHERE seq BETWEEN ? AND ?", recorded_of),
)


class LogReader:
    """Answers questions on one connection, and streams each on a connection of its own.

    Args:
        path: the log's file.

    Raises:
        StoreError: the file cannot be read. So does every method, also after `close`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection = open_for_reading(path)

    def decision(self, decision_id: str) -> Decision | None:
        """A durable decision by its id."""
        rows = self._rows("SELECT * FROM decisions WHERE id = ?", pack_text(decision_id))
        return self._decoded(rows[0], decision_of) if rows else None

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """The outcomes of a decision, oldest first."""
        rows = self._rows(
            "SELECT * FROM outcomes WHERE decision_id = ? ORDER BY seq", pack_text(decision_id)
        )
        return [self._decoded(row, outcome_of) for row in rows]

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest decisions with their outcomes, newest first."""
        rows = self._rows("SELECT * FROM decisions ORDER BY seq DESC LIMIT ?", limit)
        decisions = [self._decoded(row, decision_of) for row in rows]
        return [(decision, self.outcomes(decision.id)) for decision in decisions]

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What decisions and bills of a client came to since a moment, in nano-USD."""
        packed = pack_text(name)
        spent = int(self._rows(_SPENT[by], packed, since)[0][0])
        return spent + (int(self._rows(_BILLED, packed, since)[0][0]) if by == "key" else 0)

    def counts(self) -> Counts:
        """How much the log holds."""
        return Counts(*self._rows(_COUNTS)[0])

    def last_seq(self) -> int:
        """The last entry's place; 0 where there is none."""
        return int(self._rows(_LAST)[0][0])

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot and the place it covers, or None."""
        rows = self._rows("SELECT seq, state FROM snapshots ORDER BY seq DESC LIMIT 1")
        return (int(rows[0][0]), bytes(rows[0][1])) if rows else None

    def meta(self, key: str) -> str | None:
        """What was noted under `key`, or None."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def read(self, after: int) -> Iterator[Entry]:
        """Entries above `after` that are durable when the first is asked for, in order.

        Raises:
            StoreError: an entry is missing or cannot be decoded: what would be learned from the
                rest would not be what was learned.
        """
        with closing(open_for_reading(self._path)) as connection:
            with translated(self._path, "read"):
                last = int(connection.execute(_LAST).fetchone()[0])
            # places have no gaps, so a span of places bounds what is held at a time; no
            # transaction is kept open, which would keep the writer's WAL from being emptied
            for first in range(max(after, 0) + 1, last + 1, WINDOW):
                yield from self._window(connection, first, min(first + WINDOW - 1, last))

    def close(self) -> None:
        """Let go of the file. Calling it twice is fine."""
        with self._lock:
            self._connection.close()

    def _rows(self, sql: str, *values: Any) -> list[Row]:
        with self._lock, translated(self._path, "read"):
            return self._connection.execute(sql, values).fetchall()

    def _window(self, connection: sqlite3.Connection, first: int, last: int) -> Sequence[Entry]:
        entries: list[Entry] = []
        for sql, record_of in _WINDOWS:
            with translated(self._path, "read"):
                rows = connection.execute(sql, (first, last)).fetchall()
            entries += (Entry(row[0], self._decoded(row, record_of)) for row in rows)
        entries.sort(key=lambda entry: entry.seq)
        for seq, entry in enumerate(entries, first):
            if entry.seq != seq:
                raise self._damaged(seq, "is missing")
        if len(entries) != last - first + 1:
            raise self._damaged(first + len(entries), "is missing")
        return entries

    def _decoded(self, row: Row, record_of: Callable[[Row], R]) -> R:
        try:
            return record_of(row)
        except Exception as error:
            raise self._damaged(row[0], f"cannot be decoded ({error})") from error

    def _damaged(self, seq: int, how: str) -> StoreError:
        return StoreError(
            f"the log {self._path} is damaged: entry {seq} {how}; restore it from a backup"
        )
