"""Answers with columns of the input beside them, in every format."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.upstreams import Upstream
from metallm.core.price import Usage
from metallm.tables.files import read_table

UPSTREAM = Upstream(lambda _: ("b", Usage(10, 1)))


def _arguments(data: Path, *more: object) -> tuple[object, ...]:
    return ("classify", data, "--text", "body", "--labels", "a,b", *more)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text('id,body,label\n007,"first, text",a\n1e3,second,\n2020-01-01,third,b\n')
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_columns_are_kept_as_they_stand_there(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path],
    suffix: str,
) -> None:  # fmt: skip
    out = tmp_path / f"out{suffix}"
    with UPSTREAM.serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--out", out, "--keep", "all"))
    assert done.exit_code == 0, done.output
    if suffix == ".csv":
        with out.open(newline="") as file:
            rows: list[dict[str, Any]] = list(csv.DictReader(file))
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        rows = pq.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == ["007", "1e3", "2020-01-01"]
    assert [row["body"] for row in rows] == ["first, text", "second", "third"]
    assert [row["in_label"] or None for row in rows] == ["a", None, "b"]
    assert {row["label"] for row in rows} == {"b"}
    assert list(rows[0])[:3] == ["id", "body", "in_label"]


def test_a_run_that_goes_on_keeps_columns_of_all_rows(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    out = tmp_path / "in.labels.jsonl"

    def ids() -> list[str | None]:
        return [json.loads(line).get("id") for line in out.read_text().splitlines()]

    with UPSTREAM.serving() as url:
        write_toml(url)
        run(*_arguments(data, "--limit", 1))
        assert ids() == [None]
        run(*_arguments(data, "--keep", "id"))
        assert ids() == ["007", "1e3", "2020-01-01"]
        data.write_text('id,body\n007,"first, text"\n')  # rows that are gone keep their answers
        run(*_arguments(data, "--keep", "id"))
        assert ids() == ["007", None, None]
        run(*_arguments(data))  # nothing is new: the file stays as it is
        assert ids() == ["007", None, None]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_lists_and_dates_can_be_kept_too(
    run: Callable[..., Any], tmp_path: Path, write_toml: Callable[..., Path], suffix: str
) -> None:
    data, out = tmp_path / "in.parquet", tmp_path / f"out{suffix}"
    day = date(2026, 1, 2)
    pq.write_table(pa.table({"body": ["one"], "tags": [["x", "y"]], "day": [day]}), data)
    with UPSTREAM.serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--out", out, "--keep", "tags,day"))
    assert done.exit_code == 0, done.output
    (row,) = read_table(out).to_pylist()
    assert row["tags"] == ('["x","y"]' if suffix == ".csv" else ["x", "y"])
    assert str(row["day"])[:10] == "2026-01-02"


def test_a_column_that_is_not_there_is_told_before_anything_is_asked(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()
    done = run(*_arguments(data, "--keep", "id,name"))
    assert done.exit_code == 2
    assert "lacks the column name; it has: id, body, label" in done.stderr
    assert not (tmp_path / "in.labels.jsonl").exists()
