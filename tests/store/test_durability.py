"""Acknowledged means kept: what a killed or careless process leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from metallm.core.decision import Decision
from metallm.errors import StoreBusyError
from metallm.store.sqlite import SqliteStore

APPENDER = Path(__file__).with_name("appender.py")


@pytest.mark.process
@pytest.mark.parametrize("acknowledged", [1, 50, 400])
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "log.db"
    with subprocess.Popen(
        [sys.executable, str(APPENDER), str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        printed = [child.stdout.readline() for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        printed += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    ids = [line.strip() for line in printed if line.endswith("\n")]
    assert len(ids) >= acknowledged

    store = SqliteStore(path)
    entries = list(store.read())
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    kept = {entry.record.id for entry in entries if isinstance(entry.record, Decision)}
    assert set(ids) <= kept
    # an append is whole or not there at all
    assert len(entries) == 2 * len(kept)
    assert all(len(store.outcomes(each)) == 1 for each in kept)
    store.close()


@pytest.mark.process
def test_a_program_that_ends_without_closing_keeps_what_waited(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from appender import decision, SqliteStore\n"
        "store = SqliteStore(sys.argv[2])\n"
        "for i in range(500): store.append([decision(str(i), i)])\n"
    )
    command = [sys.executable, "-c", program, str(APPENDER.parent), str(path)]
    subprocess.run(command, check=True, timeout=60)
    store = SqliteStore(path, read_only=True)
    assert store.counts().decisions == 500
    store.close()


@pytest.mark.process
def test_the_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with subprocess.Popen(
        [sys.executable, str(APPENDER), str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(StoreBusyError, match=rf"process {child.pid}\)"):
            SqliteStore(path)
        reader = SqliteStore(path, read_only=True)
        assert reader.counts().decisions >= 1
        reader.close()
        child.kill()
        child.stdout.read()
    SqliteStore(path).close()
