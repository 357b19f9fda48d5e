from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from metallm.core.budget import Budget
from metallm.core.key import Key, digest_of
from metallm.errors import ConfigurationError, StoreError
from metallm.store.keys import KeyFile
from metallm.store.sqlite import SqliteStore

HOSTILE = "Robert'); DROP TABLE keys;--"


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.db")


def key(name: str = "ci", **fields: object) -> Key:
    plain = Key(f"id-{name}", name, name, digest_of(name))
    return replace(plain, **fields)  # type: ignore[arg-type]


def test_a_key_comes_back_as_it_was(file: KeyFile) -> None:
    full = key(
        HOSTILE,
        tenant="žluť",
        admin=True,
        budget=Budget(0.1, "month"),
        requests_per_minute=60.0,
        tokens_per_minute=1e5,
        arms=("a/b", "c"),
        aliases=("cheap",),
        created_at=1.5,
        expires_at=2.5,
        revoked_at=3.5,
    )
    file.add(full)
    file.add(key("plain"))
    assert file.all() == [key("plain"), full]


def test_there_are_no_keys_where_there_is_no_file(file: KeyFile) -> None:
    assert file.all() == []
    assert not file.path.exists()


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_the_file_is_its_owners_alone(file: KeyFile) -> None:
    file.add(key())
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_key_is_found_by_name_and_by_id_while_it_is_in_force(file: KeyFile) -> None:
    file.add(key(HOSTILE))
    assert file.find(HOSTILE) == file.find(f"id-{HOSTILE}") == key(HOSTILE)
    file.put(key(HOSTILE, revoked_at=1.0))
    with pytest.raises(ConfigurationError, match="metallm keys list"):
        file.find(HOSTILE)


@pytest.mark.parametrize("asked", ["' OR '1'='1", "%", "", "x' OR 1=1 --", "id-"])
def test_no_look_up_finds_a_key_by_anything_but_its_name_or_id(file: KeyFile, asked: str) -> None:
    file.add(key())
    with pytest.raises(ConfigurationError):
        file.find(asked)


def test_a_name_that_is_anothers_id_is_not_guessed_about(file: KeyFile) -> None:
    file.add(key())
    file.add(key("id-ci"))
    with pytest.raises(ConfigurationError, match="two keys"):
        file.find("id-ci")


def test_a_name_in_force_is_taken_and_a_revoked_one_is_free(file: KeyFile) -> None:
    file.add(key())
    with pytest.raises(ConfigurationError, match="'ci' is in force"):
        file.add(key(id="other", digest=digest_of("other")))
    file.put(key(revoked_at=1.0))
    file.add(key(id="other", digest=digest_of("other")))
    assert file.find("ci").id == "other"
    assert len(file.all()) == 2


def test_a_log_is_not_taken_for_keys_and_is_left_alone(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "log.db").close()
    file = KeyFile(tmp_path / "log.db")
    with pytest.raises(StoreError, match=r"holds no keys: set gateway\.keys"):
        file.all()
    with pytest.raises(StoreError, match="holds no keys"):
        file.add(key())
    SqliteStore(tmp_path / "log.db").close()


def test_what_is_no_database_is_told_with_a_mend(file: KeyFile) -> None:
    file.path.write_text("keys, keys, keys")
    with pytest.raises(StoreError, match="cannot be read"):
        file.all()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        KeyFile(tmp_path / "no" / "keys.db").add(key())


def test_keys_of_a_newer_version_are_left_alone(file: KeyFile) -> None:
    file.add(key())
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="upgrade metallm"):
        file.all()


def test_whoever_reads_does_not_wait_for_a_writer(file: KeyFile) -> None:
    file.add(key())
    with closing(sqlite3.connect(file.path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            file.all()
        writer.execute("ROLLBACK")
    assert file.all() == [key()]
