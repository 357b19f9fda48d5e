"""The queue as a table that somebody fills in elsewhere."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from metallm.cli.console import tell
from metallm.cli.files import check_writable, write_atomically
from metallm.cli.label_keys import harmless
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metallm.cli.label_doors import LabelDoor
    from metallm.router.labelling import Waiting

COLUMNS = ("decision_id", "text", "task", "labels", "label")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula, and run it."""


def write_queue(path: Path, asked: Sequence[Waiting]) -> None:
    """Write queries with an empty column for their labels.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    check_writable(path)

    def write(place: Path) -> None:
        with place.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for each in asked:
                first = each.first
                cells = (first.text or "", first.task or "", " | ".join(first.labels))
                writer.writerow([first.id, *map(_cell, cells), ""])

    write_atomically(path, write)


def _cell(text: str) -> str:
    """A text that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(FORMULA) else text


def tell_labels(path: Path, door: LabelDoor) -> tuple[int, int, int]:
    """Tell the labels of a filled table; a row that cannot be used is named and passed over.

    Args:
        path: a .csv, .jsonl or .parquet file with the columns decision_id and label.
        door: takes the labels.

    Returns:
        How many rows were told, were left empty, and were bad.

    Raises:
        TableError: no such table.
    """
    from metallm.tables.columns import text_column
    from metallm.tables.files import read_table, require_columns

    wanted = ["decision_id", "label"]
    table = read_table(path, text_columns=COLUMNS)
    require_columns(table, wanted, source=str(path))
    ids, labels = (text_column(table, name).to_pylist() for name in wanted)
    told = empty = bad = 0
    for row, (decision_id, label) in enumerate(zip(ids, labels, strict=True), 1):
        label = (label or "").strip()  # noqa: PLW2901 - the same, without blanks
        if not label:
            empty += 1
            continue
        try:
            if not decision_id:
                raise InputError("there is a label and no decision_id")
            door.tell(decision_id.strip(), label, replace=False)
            told += 1
        except InputError as error:
            bad += 1
            tell(f"row {row} of {path}: {harmless(str(error))}")
    return told, empty, bad
