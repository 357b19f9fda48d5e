"""The rows of a bulk classification, checked before anything is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Args:
        number: its place in the file, 1 and up, a header apart.
        text: what is classified; "" where the cell is empty.
        truth: the true label; None where it is not known.
        digest: of the text and the labels: what an answer in the journal must belong to.
    """

    number: int
    text: str
    truth: str | None
    digest: str


def read_rows(
    path: Path, *, text: str, labels: Sequence[str], truth: str | None, limit: int | None
) -> list[Row]:
    """Read the rows of a table.

    Args:
        path: a .csv, .jsonl or .parquet file.
        text: the column to classify.
        labels: the labels to choose from.
        truth: the column of true labels; an empty cell is a label that is not known.
        limit: take the first so many rows; None takes all.

    Raises:
        TableError: an unreadable file or a missing column; the message names those there are.
        InputError: a true label that is none of the labels; the message names row and value.
    """
    from metallm.tables.columns import text_column
    from metallm.tables.files import read_table, require_columns

    wanted = [text] if truth is None else [text, truth]
    table = read_table(path, text_columns=wanted)
    require_columns(table, wanted, source=str(path))
    table = table.slice(0, limit)
    texts = [value or "" for value in text_column(table, text).to_pylist()]
    truths = [None] * len(texts) if truth is None else text_column(table, truth).to_pylist()
    rows = []
    for number, (value, label) in enumerate(zip(texts, truths, strict=True), 1):
        if label and label not in labels:
            raise InputError(
                f"row {number} of {path}: the true label {label!r} in the column {truth} is not "
                f"one of the labels: {', '.join(labels)}"
            )
        rows.append(Row(number, value, label or None, digest_of(value, labels)))
    return rows


def digest_of(text: str, labels: Sequence[str]) -> str:
    """A short digest of what was asked."""
    hashed = blake2b(digest_size=8)
    for part in (text, *labels):
        encoded = part.encode()
        # the length in front keeps ("ab", "c") and ("a", "bc") apart
        hashed.update(len(encoded).to_bytes(8, "little") + encoded)
    return hashed.hexdigest()
