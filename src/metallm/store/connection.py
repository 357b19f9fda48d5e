"""Connections to a log's file, and SQLite's errors in our words."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metallm.errors import StoreError
from metallm.store.migrations import MIGRATIONS, migrate, schema_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_S = 5.0

STATEMENTS = 256
"""Prepared ones that are kept: those of the writer come in many lengths."""

_MENDS = {
    "SQLITE_NOTADB": "it is no SQLite database: move it away or set store.path to another file",
    "SQLITE_CORRUPT": "the file is damaged: restore it from a backup",
    "SQLITE_FULL": "free some disk space",
    "SQLITE_CANTOPEN": "set store.path to a file in a folder that exists and is writable",
    "SQLITE_READONLY": "make the file and its folder writable",
    "SQLITE_PERM": "make the file and its folder writable",
    "SQLITE_BUSY": "another program holds the file: close it",
    "SQLITE_IOERR": "look after the disk",
}


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn what SQLite raises within into a StoreError that names the file and the mend.

    Args:
        path: the log's file.
        doing: what fails if it fails, such as "written".

    Raises:
        StoreError: SQLite refused.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"the log {path} cannot be {doing}: {told(error)}") from error


def told(error: Exception) -> str:
    """An error and its mend in words."""
    code = getattr(error, "sqlite_errorname", None) or ""
    # extended codes carry a suffix: SQLITE_READONLY_DIRECTORY, SQLITE_IOERR_FSYNC
    mend = next((words for name, words in _MENDS.items() if code.startswith(name)), None)
    return f"{error}; {mend}" if mend else str(error)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that commits durably, on a file with the newest schema.

    Args:
        path: the file, made where there is none.

    Raises:
        StoreError: a missing folder, a file that is none of ours, one of a newer version.
    """
    with translated(path, "opened"):
        connection = _connect(f"{path.as_uri()}?mode=rwc")
        try:
            # looked at first: switching to WAL would write into another program's file
            schema_version(connection, path, newest=len(MIGRATIONS))
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL syncs the WAL at every commit: acknowledged means on the disk
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, beside whoever does.

    Args:
        path: the file of a log.

    Raises:
        StoreError: no such file, one that is none of ours, or one of another version.
    """
    if not path.is_file():
        raise StoreError(f"there is no log at {path}: it is made where decisions are first taken")
    with translated(path, "read"):
        connection = _connect(f"{path.as_uri()}?mode=ro")
        try:
            version = schema_version(connection, path, newest=len(MIGRATIONS))
            if version < len(MIGRATIONS):
                raise StoreError(
                    f"the log {path} has an older schema ({version}, now {len(MIGRATIONS)}): "
                    "open it once for writing, which brings it up to date"
                )
        except BaseException:
            connection.close()
            raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    # autocommit, for transactions are begun by hand; threads take turns by our own locks
    return sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
