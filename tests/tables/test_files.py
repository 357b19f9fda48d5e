from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from metallm.errors import TableError
from metallm.tables.files import read_table, require_columns


def test_the_three_formats_give_the_same_rows(tmp_path: Path) -> None:
    rows = {"name": ["ä", "b\nc"], "count": [1, 2]}
    parquet.write_table(pa.table(rows), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text('name,count\nä,1\n"b\nc",2\n', encoding="utf-8")
    (tmp_path / "t.jsonl").write_text(
        '{"name": "ä", "count": 1}\n{"name": "b\\nc", "count": 2}\n', encoding="utf-8"
    )
    for name in ("t.parquet", "t.csv", "t.jsonl"):
        assert read_table(tmp_path / name).to_pydict() == rows


def test_text_columns_of_a_csv_keep_what_looks_like_a_number(tmp_path: Path) -> None:
    path = tmp_path / "t.CSV"
    path.write_text('id,answer,n\n007,True,\n008,"",3\n', encoding="utf-8")
    table = read_table(str(path), text_columns=["id", "answer", "absent"])
    assert table.to_pydict() == {"id": ["007", "008"], "answer": ["True", ""], "n": [None, 3]}


def test_a_type_that_shows_late_in_a_long_file_is_still_guessed_right(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("n\n" + "1\n" * 600_000 + "2.5\n", encoding="utf-8")
    assert read_table(path)["n"][-1].as_py() == 2.5


def test_a_line_of_two_megabytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": "x"}\n{"a": "' + "y" * 2_000_000 + '"}\n', encoding="utf-8")
    assert len(read_table(path)["a"][1].as_py()) == 2_000_000


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.xlsx", b"x", r"ends in \.csv, \.jsonl, \.ndjson, \.parquet, not \.xlsx"),
        ("table", b"x", "not nothing"),
        ("t.csv", None, "there is no file"),
        ("t.csv", b"", "is empty"),
        ("t.csv", b"a,b\n", "has no rows"),
        ("t.csv", b"a,b\n1,2\n1,2,3\n", "cannot be read as csv"),
        ("t.csv", b"a\nb\ncaf\xe9\n", r"line 3 is not UTF-8 \(byte 0xe9\): save the file as UTF-8"),
        ("t.csv", "a\nb\n".encode("utf-16"), r"line 1 is not UTF-8 \(byte 0xff\)"),
        ("t.jsonl", b'{"a": "\xe9"}\n', "line 1 is not UTF-8"),
        ("t.jsonl", b'{"a": 1}\n{"a"', "cannot be read as jsonl"),
        ("t.parquet", b"PAR1 nonsense", "cannot be read as parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TableError, match=told) as raised:
        read_table(path, text_columns=["a"])
    assert str(path) in str(raised.value)


def test_a_column_of_bytes_that_nobody_reads_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,by\nb,Jos\xe9\n")
    assert read_table(path, text_columns=["a"])["a"].to_pylist() == ["b"]


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / "folder.csv")


def test_missing_columns_are_told_with_those_there_are() -> None:
    table = pa.table({"text": ["a"], "label": ["b"]})
    require_columns(table, ["text", "label"], source="the table")
    with pytest.raises(TableError, match="the table lacks the columns x, y; it has: text, label"):
        require_columns(table, ["x", "text", "y"], source="the table")
    with pytest.raises(TableError, match=r"it has: a;b \(columns are parted by commas\)"):
        require_columns(pa.table({"a;b": ["1;2"]}), ["a"], source="the table")


def test_a_column_that_stands_twice_is_refused() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(TableError, match="has the column a more than once"):
        require_columns(table, ["a"], source="t.csv")
