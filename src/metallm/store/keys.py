"""The keys of a gateway, in a file of their own: what is kept of a secret is its digest.

Commands write it beside a running gateway, which looks whether it has changed. A key is never
removed: the file says of each id in the log whose it was.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from metallm.core.budget import Budget
from metallm.core.key import Key
from metallm.errors import ConfigurationError, StoreError
from metallm.store.connection import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metallm.core.budget import Window

APPLICATION_ID = 0x4D4C4B59  # "MLKY"
VERSION = 1

_SCHEMA = (
    """
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        tenant TEXT NOT NULL,
        digest BLOB NOT NULL UNIQUE,
        admin INTEGER NOT NULL,
        budget_usd REAL,
        budget_window TEXT,
        requests_per_minute REAL,
        tokens_per_minute REAL,
        arms TEXT NOT NULL,
        aliases TEXT NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL,
        revoked_at REAL
    )
    """,
    "CREATE UNIQUE INDEX names ON keys (name) WHERE revoked_at IS NULL",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
_INSERT = "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM keys WHERE id = ?"
_ALL = "SELECT * FROM keys ORDER BY created_at, id"
_ONE = "SELECT * FROM keys WHERE revoked_at IS NULL AND (name = ? OR id = ?)"


class KeyFile:
    """Keys on disk. Every call opens the file and lets go of it.

    Args:
        path: made with the first key.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def add(self, key: Key) -> None:
        """Keep a new key; durable on return.

        Raises:
            ConfigurationError: a key of that name is in force.
            StoreError: the file cannot be written.
        """
        with self._writing() as connection:
            try:
                connection.execute(_INSERT, _row(key))
            except sqlite3.IntegrityError as error:
                raise ConfigurationError(
                    f"a key called {key.name!r} is in force: revoke it, or give another name"
                ) from error

    def put(self, key: Key) -> None:
        """Keep a key in place of what is known by its id; durable on return.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._writing() as connection:
            connection.execute(_REMOVE, (key.id,))
            connection.execute(_INSERT, _row(key))

    def find(self, name: str) -> Key:
        """The key in force of that name or id.

        Raises:
            ConfigurationError: there is none, or one has the name and another the id.
            StoreError: the file cannot be read.
        """
        rows = self._rows(_ONE, name, name)
        if len(rows) != 1:
            raise ConfigurationError(
                f"{'two keys' if rows else 'no key'} in force can be meant by {name!r}: "
                "see them with 'metallm keys list'"
            )
        return _key(rows[0])

    def all(self) -> list[Key]:
        """Every key that was ever made, oldest first; none where there is no file.

        Raises:
            StoreError: the file cannot be read.
        """
        return [_key(row) for row in self._rows(_ALL)]

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if not self.path.is_file():
            return []
        with self._translated("read"):
            # a writer that was killed is tidied up after by the next who may write
            mode = "rw" if os.access(self.path, os.W_OK) else "ro"
            place = f"{self.path.resolve().as_uri()}?mode={mode}"
            # whoever waits for a lock here may be answering requests: look again later instead
            with closing(sqlite3.connect(place, uri=True, timeout=0.0)) as connection:
                self._check(connection)
                return connection.execute(sql, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        with self._translated("written"):
            # for its owner alone: whom a gateway lets in is nobody else's to change
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
                    for statement in _SCHEMA:
                        connection.execute(statement)
                self._check(connection)
                yield connection
                connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID:
            raise StoreError(f"{self.path} holds no keys: set gateway.keys to another file")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise StoreError(f"{self.path} is of a newer version of metallm: upgrade metallm")

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the keys {self.path} cannot be {doing}: {told(error)}") from error
        except OSError as error:
            raise StoreError(
                f"the keys {self.path} cannot be {doing}: {error.strerror}; gateway.keys has to "
                "name a file in a folder that exists and is writable"
            ) from error


def _row(key: Key) -> tuple[Any, ...]:
    budget = key.budget
    return (
        key.id,
        key.name,
        key.tenant,
        key.digest,
        int(key.admin),
        None if budget is None else budget.usd,
        None if budget is None else budget.window,
        key.requests_per_minute,
        key.tokens_per_minute,
        json.dumps(key.arms),
        json.dumps(key.aliases),
        key.created_at,
        key.expires_at,
        key.revoked_at,
    )


def _key(row: tuple[Any, ...]) -> Key:
    return Key(
        id=row[0],
        name=row[1],
        tenant=row[2],
        digest=row[3],
        admin=bool(row[4]),
        budget=None if row[5] is None else Budget(row[5], cast("Window", row[6])),
        requests_per_minute=row[7],
        tokens_per_minute=row[8],
        arms=tuple(json.loads(row[9])),
        aliases=tuple(json.loads(row[10])),
        created_at=row[11],
        expires_at=row[12],
        revoked_at=row[13],
    )
