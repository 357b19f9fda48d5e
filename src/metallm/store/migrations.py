"""The schema, as numbered steps that a file is brought through when it is opened for writing.

A step that was ever released is never changed; a new schema is a new step at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.errors import StoreError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

APPLICATION_ID = 0x4D4C4C4D  # "MLLM": tells our files from other programs' databases

# Columns of REAL and TEXT may hold a BLOB where SQLite could not keep the value: see codec.py.
_FIRST = (
    """
    CREATE TABLE decisions (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        idx INTEGER NOT NULL,
        at REAL NOT NULL,
        arm TEXT NOT NULL,
        propensity REAL NOT NULL,
        policy TEXT NOT NULL,
        version INTEGER NOT NULL,
        cost_weight REAL NOT NULL,
        cost_scale REAL NOT NULL,
        input_tokens INTEGER NOT NULL,
        task TEXT,
        labels TEXT,
        text TEXT,
        context BLOB NOT NULL,
        arms TEXT NOT NULL,
        estimates BLOB NOT NULL,
        chosen_from TEXT,
        propensities BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE outcomes (
        seq INTEGER PRIMARY KEY,
        decision_id TEXT NOT NULL,
        at REAL NOT NULL,
        arm TEXT NOT NULL,
        kind TEXT NOT NULL,
        quality REAL,
        label TEXT,
        answer TEXT,
        cost_usd REAL,
        cost_estimated INTEGER NOT NULL,
        latency_s REAL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        list_usd REAL,
        error TEXT,
        replaces REAL
    )
    """,
    "CREATE INDEX outcomes_of_decision ON outcomes (decision_id, seq)",
    "CREATE TABLE recorded (seq INTEGER PRIMARY KEY, at REAL NOT NULL, tables BLOB NOT NULL)",
    "CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, at REAL NOT NULL, state BLOB NOT NULL)",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
)

_LABELS_TAKEN_BACK = ("ALTER TABLE outcomes ADD COLUMN replaces_label TEXT",)

# what was logged before counts once, and comes from no judge
_WEIGHTS_AND_JUDGES = (
    "ALTER TABLE outcomes ADD COLUMN replaces_weight REAL NOT NULL DEFAULT 1.0",
    "ALTER TABLE outcomes ADD COLUMN weight REAL NOT NULL DEFAULT 1.0",
    "ALTER TABLE outcomes ADD COLUMN judge TEXT",
    "ALTER TABLE outcomes ADD COLUMN corrected REAL",
    "ALTER TABLE outcomes ADD COLUMN corrected_weight REAL NOT NULL DEFAULT 0.0",
    "ALTER TABLE outcomes ADD COLUMN lessons TEXT",
)

# decisions of before have no students, and each stands alone
_STEPS_OF_A_CLASSIFICATION = (
    "ALTER TABLE decisions ADD COLUMN words BLOB",
    "ALTER TABLE decisions ADD COLUMN parent TEXT",
    "ALTER TABLE outcomes ADD COLUMN answers TEXT",
)

# corrections of before took back what they knew themselves
_ANSWERS_TAKEN_BACK = ("ALTER TABLE outcomes ADD COLUMN replaces_answers TEXT",)

# decisions of before were asked for by nobody in particular. The indices hold all that the sum of a
# key's spending needs of a decision, for its row is large
_CLIENTS = (
    "ALTER TABLE decisions ADD COLUMN tenant TEXT",
    'ALTER TABLE decisions ADD COLUMN "key" TEXT',
    "ALTER TABLE decisions ADD COLUMN alias TEXT",
    "ALTER TABLE decisions ADD COLUMN held_usd REAL",
    "ALTER TABLE outcomes ADD COLUMN charged_usd REAL",
    """
    CREATE INDEX decisions_of_key ON decisions ("key", at, id, held_usd) WHERE "key" IS NOT NULL
    """,
    """
    CREATE INDEX decisions_of_alias ON decisions (alias, at, id, held_usd) WHERE alias IS NOT NULL
    """,
)

# calls that are no decisions, such as embeddings, and cost a key's budget something
_BILLS = (
    """
    CREATE TABLE bills (
        id TEXT PRIMARY KEY,
        "key" TEXT NOT NULL,
        at REAL NOT NULL,
        nano_usd INTEGER NOT NULL
    )
    """,
    'CREATE INDEX bills_of_key ON bills ("key", at, nano_usd)',
)

# clients of before said no words of their own
_TAGS = ("ALTER TABLE decisions ADD COLUMN tags TEXT",)

# no arm had said how sure it was
_LIKELY = ("ALTER TABLE outcomes ADD COLUMN likely TEXT",)

MIGRATIONS: Sequence[Sequence[str]] = (
    _FIRST,
    _LABELS_TAKEN_BACK,
    _WEIGHTS_AND_JUDGES,
    _STEPS_OF_A_CLASSIFICATION,
    _ANSWERS_TAKEN_BACK,
    _CLIENTS,
    _BILLS,
    _TAGS,
    _LIKELY,
)


def schema_version(connection: sqlite3.Connection, path: Path, *, newest: int) -> int:
    """The number of the last step that the file went through; 0 for an empty file.

    Args:
        connection: on the file.
        path: the file, for messages.
        newest: the last step that this installation knows.

    Raises:
        StoreError: the file belongs to another program or to a newer version of this one.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if tables and application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program: set store.path to another file")
    if version > newest:
        raise StoreError(
            f"{path} was written by a newer version of metallm (schema {version}, this one knows "
            f"{newest}): upgrade metallm, or set store.path to another file"
        )
    return version


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Bring the file through the steps it lacks, each wholly or not at all.

    Args:
        connection: on the file, in autocommit mode.
        path: the file, for messages.
        migrations: every step there is.

    Raises:
        StoreError: as `schema_version`.
        sqlite3.Error: a step failed; the steps before it stay.
    """
    version = schema_version(connection, path, newest=len(migrations))
    for number, statements in enumerate(migrations[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
