"""The rows of a bulk classification, checked before anything is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from metallm.core.task import SEPARATOR
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metallm.core.task import Task


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Args:
        number: its place in the file, 1 and up, a header apart.
        text: what is classified; "" where the cell is empty.
        truth: the true label, of several joined as the task joins them; None where it is not known.
        digest: of the text and the labels: what an answer in the journal must belong to.
    """

    number: int
    text: str
    truth: str | None
    digest: str


def read_rows(path: Path, *, text: str, task: Task, truth: str | None) -> list[Row]:
    """Read the rows of a table.

    Args:
        path: a .csv, .jsonl or .parquet file.
        text: the column to classify.
        task: whose labels are asked about.
        truth: the column of true labels; an empty cell is a label that is not known. Of kind
            "multi" a cell holds labels with | between, or a list of them.

    Raises:
        TableError: an unreadable file or a missing column; the message names those there are.
        InputError: a true label that is none of the labels; the message names row and value.
    """
    from metallm.tables.columns import text_column
    from metallm.tables.files import read_table, require_columns

    wanted = [text] if truth is None else [text, truth]
    table = read_table(path, text_columns=wanted)
    require_columns(table, wanted, source=str(path))
    texts = [value or "" for value in text_column(table, text).to_pylist()]
    labels = [None] * len(texts) if truth is None else _told(table, truth)
    rows = []
    for number, (value, label) in enumerate(zip(texts, labels, strict=True), 1):
        try:
            known = task.canonical(label) if label else None
        except InputError as error:
            raise InputError(
                f"row {number} of {path}: the true label {label!r} in the column {truth} cannot be "
                f"used: {error}"
            ) from error
        rows.append(Row(number, value, known, digest_of(value, task.labels)))
    return rows


def digest_of(text: str, labels: Sequence[str]) -> str:
    """A short digest of what was asked."""
    hashed = blake2b(digest_size=8)
    for part in (text, *labels):
        encoded = part.encode()
        # the length in front keeps ("ab", "c") and ("a", "bc") apart
        hashed.update(len(encoded).to_bytes(8, "little") + encoded)
    return hashed.hexdigest()


def _told(table: Any, column: str) -> list[str | None]:
    """A column of labels; lists of them are joined."""
    import pyarrow as pa

    from metallm.tables.columns import text_column

    kind = table[column].type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        cells = table[column].to_pylist()
        return [SEPARATOR.join(str(each) for each in cell) if cell else None for cell in cells]
    return [None if cell is None else str(cell) for cell in text_column(table, column).to_pylist()]
