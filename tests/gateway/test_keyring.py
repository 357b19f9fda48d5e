from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from metallm.core.key import ID_BYTES, SECRET_BYTES, Key, digest_of, written
from metallm.errors import KeyRefusedError
from metallm.gateway.keyring import LOOK_EVERY_S, Keyring
from metallm.store.keys import KeyFile


def whole(number: int) -> str:
    return written(f"{number:0{2 * ID_BYTES}x}", f"{number:0{2 * SECRET_BYTES}x}")


def key(number: int) -> Key:
    return Key(whole(number)[4:12], f"key {number}", "t", digest_of(whole(number)))


class Bench:
    """A file, a keyring on it, and clocks that a test moves."""

    def __init__(self, path: Path) -> None:
        self.file = KeyFile(path)
        self.clock, self.now = 100.0, 2e9
        self.told: list[str] = []

    def ring(self) -> Keyring:
        return Keyring(
            self.file, clock=lambda: self.clock, now=lambda: self.now, tell=self.told.append
        )

    def later(self) -> None:
        self.clock += LOOK_EVERY_S


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "keys.db")


def refused(ring: Keyring, presented: str) -> str:
    with pytest.raises(KeyRefusedError) as caught:
        ring.find(presented)
    assert presented not in str(caught.value) or not presented
    return caught.value.reason


def test_a_key_is_found_by_all_of_it_and_by_nothing_else(bench: Bench) -> None:
    bench.file.add(key(1))
    ring = bench.ring()
    assert ring.find(whole(1)) == key(1)
    for other in ("", whole(2), whole(1)[:-1], whole(1) + "0", whole(1).upper(), "x" * 10**6):
        assert refused(ring, other) == "unknown"


def test_a_digest_is_no_key(bench: Bench) -> None:
    bench.file.add(key(1))
    assert refused(bench.ring(), digest_of(whole(1)).hex()) == "unknown"


def test_keys_that_come_and_go_are_seen_at_the_next_look(bench: Bench) -> None:
    ring = bench.ring()
    assert not ring.asks()
    bench.file.add(key(1))
    assert not ring.asks()
    bench.later()
    assert ring.asks()
    assert ring.find(whole(1)) == key(1)
    bench.file.put(replace(key(1), revoked_at=1.0))
    bench.later()
    assert refused(ring, whole(1)) == "revoked"
    bench.file.put(replace(key(1), digest=digest_of(whole(2))))
    bench.later()
    assert refused(ring, whole(1)) == "unknown"
    assert ring.find(whole(2)).id == key(1).id


def test_between_looks_the_disk_is_not_asked(bench: Bench) -> None:
    bench.file.add(key(1))
    ring = bench.ring()
    bench.file.path.unlink()
    assert ring.find(whole(1)) == key(1)
    assert bench.told == []


def test_a_change_within_a_tick_of_the_files_time_is_seen(bench: Bench) -> None:
    """Two writes may leave one time and size: a file is trusted once it has lain for a while."""
    bench.file.add(key(1))
    told = bench.file.path.stat()
    bench.now = told.st_mtime + 1.0
    ring = bench.ring()
    bench.file.put(replace(key(1), revoked_at=1.0))
    os.utime(bench.file.path, ns=(told.st_atime_ns, told.st_mtime_ns))
    bench.later()
    assert refused(ring, whole(1)) == "revoked"


def test_a_file_that_was_put_in_place_of_another_is_seen(bench: Bench, tmp_path: Path) -> None:
    bench.file.add(key(1))
    ring = bench.ring()
    other = KeyFile(tmp_path / "other.db")
    other.add(key(2))
    told = bench.file.path.stat()
    os.utime(other.path, ns=(told.st_atime_ns, told.st_mtime_ns))
    other.path.replace(bench.file.path)
    bench.later()
    assert refused(ring, whole(1)) == "unknown"
    assert ring.find(whole(2)) == key(2)


def test_a_key_expires_at_its_moment(bench: Bench) -> None:
    bench.file.add(replace(key(1), expires_at=bench.now + 1.0))
    ring = bench.ring()
    assert ring.find(whole(1)).id == key(1).id
    bench.now += 1.0
    assert refused(ring, whole(1)) == "expired"


def test_once_there_was_a_key_nobody_gets_in_without(bench: Bench) -> None:
    bench.file.add(replace(key(1), revoked_at=1.0))
    ring = bench.ring()
    assert ring.asks()
    bench.file.path.unlink()
    bench.later()
    assert ring.asks()
    assert refused(ring, whole(1)) == "revoked"
    assert [each for each in bench.told if "are gone" in each] == bench.told
    bench.later()
    ring.asks()
    assert len(bench.told) == 1


def test_a_file_that_cannot_be_read_leaves_what_is_known_in_force_and_is_told_of(
    bench: Bench,
) -> None:
    bench.file.add(key(1))
    ring = bench.ring()
    bench.file.add(key(2))
    with closing(sqlite3.connect(bench.file.path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        bench.later()
        assert ring.find(whole(1)) == key(1)
        assert refused(ring, whole(2)) == "unknown"
        writer.execute("ROLLBACK")
    assert "locked" in bench.told[0]
    bench.later()
    assert ring.find(whole(2)) == key(2)


def test_the_keys_can_be_listed(bench: Bench) -> None:
    bench.file.add(key(1))
    bench.file.add(key(2))
    assert bench.ring().known() == [key(1), key(2)]
