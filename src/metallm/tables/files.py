"""Table files as Arrow tables: CSV, JSON lines and Parquet, told apart by their suffix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from metallm.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike

MAX_BLOCK_BYTES = 1 << 30


def read_table(path: str | PathLike[str], *, text_columns: Sequence[str] = ()) -> pa.Table:
    """Read a whole file into memory.

    Args:
        path: a file that ends in .csv, .jsonl, .ndjson or .parquet.
        text_columns: columns of a CSV file that hold text even where it looks like numbers,
            dates or truth values; names that the file lacks are passed over.

    Returns:
        The table, with a row at least. An empty, unquoted cell of a CSV file is null.

    Raises:
        TableError: a file that is missing, unreadable, without rows or of an unknown suffix.
    """
    file = Path(path)
    read = _READERS.get(file.suffix.lower())
    if read is None:
        raise TableError(
            f"{file}: a table's name ends in {', '.join(_READERS)}, not {file.suffix or 'nothing'}"
        )
    try:
        if file.stat().st_size == 0:
            raise TableError(f"{file} is empty")
        table = read(file, text_columns)
        # Arrow looks whether texts and names are UTF-8 only when they are asked for
        table.validate(full=True)
        names = table.column_names
    except FileNotFoundError as error:
        raise TableError(f"there is no file {file}") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        why = _not_utf8(file) or str(error)
        raise TableError(f"{file} cannot be read as {file.suffix[1:]}: {why}") from error
    if not names or table.num_rows == 0:
        raise TableError(f"{file} has no rows")
    return table


def require_columns(table: pa.Table, names: Iterable[str], *, source: str) -> None:
    """Check that each column is there, once.

    Args:
        table: any table.
        names: the columns that are needed.
        source: what the table is called in messages.

    Raises:
        TableError: a column is missing or stands there twice; the message names those there are.
    """
    there = table.column_names
    missing = [name for name in names if name not in there]
    if missing:
        raise TableError(
            f"{source} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"it has: {', '.join(there) or 'none'}{_other_separator(there)}"
        )
    for name in names:
        if there.count(name) > 1:
            raise TableError(f"{source} has the column {name} more than once")


def _read_csv(file: Path, text_columns: Sequence[str]) -> pa.Table:
    from pyarrow import csv  # noqa: PLC0415 - each format loads its own library

    return csv.read_csv(
        file,
        read_options=csv.ReadOptions(block_size=_block_bytes(file)),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(text_columns, pa.large_string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _read_jsonl(file: Path, _text_columns: Sequence[str]) -> pa.Table:
    from pyarrow import json  # noqa: PLC0415 - each format loads its own library

    return json.read_json(file, read_options=json.ReadOptions(block_size=_block_bytes(file)))


def _read_parquet(file: Path, _text_columns: Sequence[str]) -> pa.Table:
    from pyarrow import parquet  # noqa: PLC0415 - each format loads its own library

    return parquet.read_table(file)


def _not_utf8(file: Path) -> str:
    """Where a text file leaves UTF-8, and how to mend it; nothing where it does not."""
    if file.suffix.lower() == ".parquet" or not file.is_file():
        return ""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                wrong = line[error.start]
                return f"line {number} is not UTF-8 (byte 0x{wrong:02x}): save the file as UTF-8"
    return ""


def _other_separator(columns: Sequence[str]) -> str:
    """A word on a header that was not parted, for its separator is none that is read."""
    if len(columns) == 1 and any(each in columns[0] for each in ";\t|"):
        return " (columns are parted by commas)"
    return ""


def _block_bytes(file: Path) -> int:
    # column types are guessed from the first block: one block is one guess for the whole file,
    # and no line can be longer than a block
    return min(file.stat().st_size + 1, MAX_BLOCK_BYTES)


_READERS: dict[str, Callable[[Path, Sequence[str]], pa.Table]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
}
