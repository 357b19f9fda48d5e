"""`metallm classify --audit`: no true label, and a reference whose answers stand in for them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metallm.sandbox.app import create_app
from metallm.sandbox.synthetic import items, synthetic_recordings
from metallm.tables.recordings import Recordings
from servers import running

TASK = "synthetic/sentiment"
REFERENCE = "sim/large"


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with running(create_app(Recordings.read(synthetic_recordings(0, 60)))) as url:
        yield f"{url}/v1"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review"])
        writer.writerows([item.text] for item in items(0, 60) if item.task == TASK)
    return path


def _classify(run: Callable[..., Any], data: Path, *more: object) -> Any:
    return run(
        "classify", data, "--text", "review", "--labels", "negative,positive", "--task", TASK,
        "--audit", REFERENCE, *more,
    )  # fmt: skip


def test_rows_that_others_answered_are_held_against_the_reference(
    run: Callable[..., Any], data: Path, upstream: str, write_toml: Callable[..., Path],
    tmp_path: Path,
) -> None:  # fmt: skip
    write_toml(upstream, policy="random")
    out = tmp_path / "out.jsonl"
    done = _classify(run, data, "--audit-share", 1.0, "--out", out, "--concurrency", 1)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    # every row was answered by the reference in the end, most after another arm had been asked
    assert {row["arm"] for row in rows} == {REFERENCE}
    assert sum(row["calls"] == 2 for row in rows) >= len(rows) // 4
    log = [json.loads(line) for line in run("log", "--limit", 999, "--json").stdout.splitlines()]
    judged = [each for row in log for each in row["outcomes"] if each["kind"] == "feedback"]
    assert judged
    assert all(each["judge"].startswith(REFERENCE) for each in judged)


def test_an_estimate_says_that_audits_come_on_top(
    run: Callable[..., Any], data: Path, upstream: str, write_toml: Callable[..., Path]
) -> None:
    write_toml(upstream)
    done = _classify(run, data, "--estimate")
    assert done.exit_code == 0, done.output
    assert f"up to 10% of the rows to {REFERENCE} as well" in done.stderr


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--gateway", "http://127.0.0.1:9"), "in this process"),
        (("--audit", "sim/none"), "sim/none"),
        (("--policy", "fixed:sim/large"), "learns none"),
    ],
)
def test_what_cannot_be_audited_is_refused(
    run: Callable[..., Any], data: Path, upstream: str, write_toml: Callable[..., Path],
    more: tuple[str, ...], told: str,
) -> None:  # fmt: skip
    write_toml(upstream)
    done = _classify(run, data, *more)
    assert done.exit_code == 2
    assert told in done.stderr
