from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from metallm.core.decision import Decision
from metallm.core.log import Entry
from metallm.core.outcome import Outcome
from metallm.errors import StoreBusyError, StoreError
from metallm.store import reader
from metallm.store.connection import open_for_writing
from metallm.store.counts import Counts
from metallm.store.migrations import MIGRATIONS, migrate, schema_version
from metallm.store.queue import CommitQueue
from metallm.store.sqlite import SqliteStore

Make = Callable[..., Decision]
PATIENCE_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_reopened_log_goes_on_where_it_stopped(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    store.append([make_decision("a"), Outcome("a", "a/small", "completion")])
    store.save_snapshot(2, b"state")
    store.set_meta("embedder", "static")
    store.close()

    store = SqliteStore(path)
    assert store.decision("a") is not None
    assert store.snapshot() == (2, b"state")
    assert store.meta("embedder") == "static"
    store.append([make_decision("b")]).result(PATIENCE_S)
    assert [entry.seq for entry in store.read()] == [1, 2, 3]
    assert store.counts() == Counts(decisions=2, outcomes=1, recorded=0)
    store.close()


def test_an_id_from_an_earlier_run_is_refused(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    store.append([make_decision("a")])
    store.close()
    store = SqliteStore(path)
    with pytest.raises(StoreError, match=r"log\.db did not take the records: UNIQUE"):
        store.append([make_decision("a")]).result(PATIENCE_S)
    store.close()


def test_a_closed_log_is_one_file_and_its_lock(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    store.append([make_decision("a")])
    store.close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["log.db", "log.db.lock"]


def test_a_closed_store_says_so_whatever_is_asked(path: Path) -> None:
    store = SqliteStore(path)
    store.close()
    for ask in (
        store.counts,
        store.snapshot,
        lambda: store.decision("a"),
        lambda: store.save_snapshot(1, b""),
        lambda: store.set_meta("key", "value"),
    ):
        with pytest.raises(StoreError, match="closed"):
            ask()


def test_a_second_writer_is_refused_and_told_what_to_do(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(StoreBusyError, match=r"log\.db is being written .* read_only=True"):
        SqliteStore(path)
    store.close()
    SqliteStore(path).close()


def test_a_reader_looks_on_while_another_writes(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    looking_on = SqliteStore(path, read_only=True)
    assert list(looking_on.read()) == []
    store.append([make_decision("a")]).result(PATIENCE_S)
    assert [decision.id for decision, _ in looking_on.recent(5)] == ["a"]
    refusing: list[Callable[[], None]] = [
        lambda: looking_on.append([make_decision("b")]).result(PATIENCE_S),
        lambda: looking_on.save_snapshot(1, b""),
        lambda: looking_on.set_meta("key", "value"),
    ]
    for refused in refusing:
        with pytest.raises(StoreError, match="reading only"):
            refused()
    looking_on.close()
    store.close()


def test_reading_a_log_that_is_not_there_makes_none(path: Path) -> None:
    with pytest.raises(StoreError, match=r"no log at .*log\.db"):
        SqliteStore(path, read_only=True)
    assert not path.exists()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_log_of_a_newer_version_is_refused_untouched(path: Path, read_only: bool) -> None:
    SqliteStore(path).close()
    tamper(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer version of metallm \(schema 99"):
        SqliteStore(path, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_refused_untouched(path: Path, read_only: bool) -> None:
    garbage = b"this is a text, and a long one at that\n" * 200
    path.write_bytes(garbage)
    with pytest.raises(StoreError, match=r"log\.db .*no SQLite database"):
        SqliteStore(path, read_only=read_only)
    assert path.read_bytes() == garbage


@pytest.mark.parametrize("read_only", [True, False])
def test_another_program_s_database_is_refused_untouched(path: Path, read_only: bool) -> None:
    tamper(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(path, read_only=read_only)
    assert path.read_bytes() == before


def test_a_refused_file_is_not_left_locked(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError):
        SqliteStore(path)
    path.unlink()
    SqliteStore(path).close()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere.*cannot be written.*store\.path"):
        SqliteStore(tmp_path / "nowhere" / "log.db")


def test_a_folder_in_the_file_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.db").mkdir()
    with pytest.raises(StoreError, match=r"log\.db cannot be opened"):
        SqliteStore(tmp_path / "log.db")


def test_a_path_may_hold_any_character(tmp_path: Path, make_decision: Make) -> None:
    path = tmp_path / "a?b#c%20 žluť.db"
    store = SqliteStore(path)
    store.append([make_decision("a")])
    store.close()
    assert path.is_file()


def test_an_older_schema_is_brought_up_to_date_on_opening(path: Path) -> None:
    migrations = (*MIGRATIONS, ("ALTER TABLE meta ADD COLUMN later TEXT",))
    with closing(open_for_writing(path)) as connection:
        migrate(connection, path, migrations)
        assert schema_version(connection, path, newest=len(migrations)) == len(migrations)
        migrate(connection, path, migrations)
        assert connection.execute("SELECT later FROM meta").fetchall() == []


def test_a_migration_that_fails_leaves_the_step_before_it(path: Path) -> None:
    broken = (*MIGRATIONS, ("CREATE TABLE half (x)", "NO SUCH STATEMENT"))
    with closing(open_for_writing(path)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, path, broken)
        assert schema_version(connection, path, newest=9) == len(MIGRATIONS)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            connection.execute("SELECT * FROM half")


def test_a_log_of_an_older_schema_is_not_migrated_by_a_reader(path: Path) -> None:
    SqliteStore(path).close()
    tamper(path, "PRAGMA user_version = 0")
    with pytest.raises(StoreError, match=r"older schema .* open it once for writing"):
        SqliteStore(path, read_only=True)


def test_a_full_disk_fails_the_append_and_the_log_goes_on(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    folded: list[Entry] = []
    store.subscribe(folded.extend)
    store.append([make_decision("a")]).result(PATIENCE_S)
    connection = store._writable()._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    large = make_decision("large", dim=1_000_000)
    with pytest.raises(StoreError, match="full; free some disk space"):
        store.append([large]).result(PATIENCE_S)
    assert store.decision("large") is None

    connection.execute("PRAGMA max_page_count = 1000000")
    store.append([large]).result(PATIENCE_S)
    assert [entry.seq for entry in folded] == [1, 2]
    store.close()


def test_a_record_that_cannot_be_written_fails_alone(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    beyond_64_bits = Outcome("a", "a/small", "completion", input_tokens=2**70)
    with pytest.raises(StoreError, match="did not take the records"):
        store.append([make_decision("a"), beyond_64_bits]).result(PATIENCE_S)
    store.append([make_decision("a")]).result(PATIENCE_S)
    assert store.counts() == Counts(decisions=1, outcomes=0, recorded=0)
    store.close()


def test_only_the_newest_two_snapshots_stay(path: Path) -> None:
    store = SqliteStore(path)
    for seq in (1, 5, 3, 9):
        store.save_snapshot(seq, b"x")
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT seq FROM snapshots ORDER BY seq").fetchall() == [
            (5,),
            (9,),
        ]


def test_a_missing_entry_is_noticed_rather_than_passed_over(
    path: Path, make_decision: Make
) -> None:
    store = SqliteStore(path)
    store.append([make_decision(f"d{i}") for i in range(5)])
    store.close()
    tamper(path, "DELETE FROM decisions WHERE seq = 3")
    store = SqliteStore(path, read_only=True)
    with pytest.raises(StoreError, match=r"log\.db is damaged: entry 3 is missing"):
        list(store.read())
    store.close()


def test_an_unreadable_entry_is_named(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    store.append([make_decision("a")])
    store.close()
    tamper(path, "UPDATE decisions SET estimates = x'00'")
    store = SqliteStore(path, read_only=True)
    for ask in (lambda: list(store.read()), lambda: store.decision("a")):
        with pytest.raises(StoreError, match="entry 1 cannot be decoded"):
            ask()
    store.close()


def test_a_stream_crosses_windows_and_stops_where_the_log_ended_when_it_began(
    path: Path, make_decision: Make
) -> None:
    store = SqliteStore(path)
    total = 2 * reader.WINDOW + 7
    store.append([make_decision(f"d{i}") for i in range(total)]).result(PATIENCE_S)
    stream = store.read(3)
    seqs = [next(stream).seq]
    store.append([make_decision("later")]).result(PATIENCE_S)
    seqs += [entry.seq for entry in stream]
    assert seqs == list(range(4, total + 1))
    store.close()


def test_a_cancelled_wait_does_not_take_the_record_back(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path)
    future = store.append([make_decision("a")])
    assert not future.cancel()
    future.result(PATIENCE_S)
    assert store.counts().decisions == 1
    store.close()


def test_a_caller_waits_while_too_much_is_waiting(path: Path, make_decision: Make) -> None:
    gate, entered = Event(), Event()

    def fold(_: Sequence[Entry]) -> None:
        entered.set()
        assert gate.wait(PATIENCE_S)

    store = SqliteStore(path, max_waiting=2)
    store.subscribe(fold)
    store.append([make_decision("folding")])
    assert entered.wait(PATIENCE_S)
    store.append([make_decision("waits"), make_decision("waits too")])
    held_back = Thread(target=lambda: store.append([make_decision("held back")]))
    held_back.start()
    held_back.join(0.05)
    assert held_back.is_alive()
    gate.set()
    held_back.join(PATIENCE_S)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM decisions").fetchone() == (4,)


def test_closing_lets_go_of_a_caller_that_was_held_back() -> None:
    gate, entered = Event(), Event()
    refused: list[StoreError] = []

    def commit(_: object) -> None:
        entered.set()
        assert gate.wait(PATIENCE_S)

    def put() -> None:
        try:
            queue.put((Outcome("a", "a", "failure"),))
        except StoreError as error:
            refused.append(error)

    queue = CommitQueue(commit, max_batch=1, max_waiting=1)
    put()
    assert entered.wait(PATIENCE_S)
    put()
    held_back, closing_down = Thread(target=put), Thread(target=queue.close)
    held_back.start()
    closing_down.start()
    held_back.join(PATIENCE_S)
    gate.set()
    closing_down.join(PATIENCE_S)
    assert len(refused) == 1


def test_a_fold_may_append_however_much_waits(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path, max_waiting=1, max_batch=1)
    folded: list[int] = []

    def fold(entries: Sequence[Entry]) -> None:
        folded.extend(entry.seq for entry in entries)
        if entries[0].seq == 1:
            for name in ("b", "c", "d"):
                store.append([make_decision(name)])

    store.subscribe(fold)
    store.append([make_decision("a")]).result(PATIENCE_S)
    store.append([]).result(PATIENCE_S)
    assert folded == [1, 2, 3, 4]
    store.close()


def test_context_bytes_are_float32_in_the_file(path: Path, make_decision: Make) -> None:
    store = SqliteStore(path, cache=0)
    store.append([make_decision("a", dim=3)])
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        blob = connection.execute("SELECT context FROM decisions").fetchone()[0]
    assert np.array_equal(np.frombuffer(blob, "<f4"), [0.0, 1.0, 2.0])
