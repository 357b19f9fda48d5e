"""The file of answers: one line a row, with columns of the input beside them where wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

COLUMNS = (
    "row", "label", "arm", "cost_usd", "confidence", "calls", "said", "decision_id", "truth",
    "correct", "example", "at", "error", "digest",
)  # fmt: skip
"""What is told of each answer; what is not known of it is left out, or empty."""

NEEDED = frozenset({"row", "digest", "label"})
TEXTS = ("arm", "said", "decision_id", "truth", "error")

ALL = "all"
PREFIX = "in_"
"""Before the name of an input's column that a column of answers has too."""


def kept_columns(path: Path, keep: str | None) -> pa.Table | None:
    """The columns of the input to write beside the answers.

    Args:
        path: the input, a .csv, .jsonl or .parquet file. Cells of a .csv stay as they stand there.
        keep: names with commas between, or "all"; None for none.

    Raises:
        TableError: an unreadable file or a missing column; the message names those there are.
    """
    if keep is None:
        return None
    from metallm.tables.files import read_table, require_columns

    names = [name.strip() for name in keep.split(",")]
    if names == [ALL]:
        names = read_table(path).column_names
    table = read_table(path, text_columns=names)
    require_columns(table, names, source=str(path))
    named = [f"{PREFIX}{name}" if name in COLUMNS else name for name in names]
    return table.select(names).rename_columns(named)


def answer_of(line: bytes, path: Path) -> dict[str, Any]:
    """An answer from its line of JSON.

    Args:
        line: of a journal.
        path: the journal, for messages.

    Raises:
        ConfigurationError: it is something else.
    """
    try:
        answer = orjson.loads(line)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or not answer.keys() >= NEEDED:
        raise _not_ours(path)
    # what was kept of the input is written anew in the end
    return {name: value for name, value in answer.items() if name in COLUMNS}


def read_answers(path: Path) -> list[dict[str, Any]]:
    """The answers of a finished .csv or .parquet file.

    Raises:
        ConfigurationError: it is something else.
    """
    from metallm.errors import TableError
    from metallm.tables.files import read_table

    try:
        table = read_table(path, text_columns=[*NEEDED - {"row"}, *TEXTS])
    except TableError as error:
        raise _not_ours(path) from error
    if not set(table.column_names) >= NEEDED:
        raise _not_ours(path)
    ours = [name for name in table.column_names if name in COLUMNS]
    answers = []
    for cells in table.select(ours).to_pylist():
        answer = {name: value for name, value in cells.items() if value is not None}
        answer["label"] = cells["label"]
        if isinstance(cells.get("said"), str):
            answer["said"] = orjson.loads(cells["said"])
        answers.append(answer)
    return answers


def write_answers(
    path: Path, suffix: str, answers: Sequence[Mapping[str, Any]], kept: pa.Table | None
) -> None:
    """Write answers.

    Args:
        path: where to.
        suffix: .jsonl, .csv or .parquet.
        answers: in the order of the rows.
        kept: columns of the input, row n of it at n − 1; None for none.
    """
    import pyarrow as pa

    # a row that the input has no more has nothing to be kept
    places = [
        None if kept is None or answer["row"] > len(kept) else answer["row"] - 1
        for answer in answers
    ]
    beside = None if kept is None else kept.take(pa.array(places, pa.int64()))
    if suffix == ".jsonl":
        path.write_bytes(b"".join(_lines(answers, beside)))
        return
    from pyarrow import csv, parquet

    table = _table(answers, flat=suffix == ".csv")
    if beside is not None:
        cells = [_flat(each) if suffix == ".csv" else each for each in beside.columns]
        table = pa.table([*cells, *table.columns], [*beside.column_names, *table.column_names])
    if suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)


def _not_ours(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is there already and holds something else: name another --out"
    )


def _lines(answers: Sequence[Mapping[str, Any]], beside: pa.Table | None) -> list[bytes]:
    if beside is None:
        return [orjson.dumps(answer) + b"\n" for answer in answers]
    return [
        orjson.dumps({**cells, **answer}, default=str) + b"\n"
        for cells, answer in zip(beside.to_pylist(), answers, strict=True)
    ]


def _table(answers: Sequence[Mapping[str, Any]], *, flat: bool) -> pa.Table:
    import pyarrow as pa

    kinds = {
        "row": pa.int64(),
        "cost_usd": pa.float64(),
        "confidence": pa.float64(),
        "calls": pa.int64(),
        "said": pa.list_(pa.struct([("arm", pa.string()), ("label", pa.string())])),
        "correct": pa.bool_(),
        "example": pa.int64(),
        "at": pa.float64(),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    table = pa.Table.from_pylist([dict(answer) for answer in answers], schema)
    if not flat:
        return table
    place = COLUMNS.index("said")
    return table.set_column(place, "said", _flat(table["said"]))


def _flat(column: pa.ChunkedArray) -> Any:
    """A column for a format that knows no lists and objects: such cells stand there as JSON."""
    import pyarrow as pa

    if not pa.types.is_nested(column.type):
        return column
    cells = [
        None if cell is None else orjson.dumps(cell, default=str).decode()
        for cell in column.to_pylist()
    ]
    return pa.array(cells, pa.string())
