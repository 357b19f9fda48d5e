from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli.processes import interrupt, place, started
from metallm.cli import bulk
from metallm.sandbox.app import create_app
from metallm.sandbox.synthetic import items, synthetic_recordings
from metallm.tables.recordings import Recordings
from servers import running

TASK = "synthetic/topic"
LABELS = "account,billing,delivery,technical"
ROWS = 30


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    return Recordings.read(synthetic_recordings(0, ROWS))


@pytest.fixture
def upstream(recordings: Recordings) -> Iterator[str]:
    with running(create_app(recordings)) as url:
        yield f"{url}/v1"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    rows = [(item.text, item.label) for item in items(0, ROWS) if item.task == TASK]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("body", "team"), *rows])
    return path


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _arguments(data: Path, *more: object) -> tuple[object, ...]:
    return ("classify", data, "--text", "body", "--labels", LABELS, *more)


def test_every_row_gets_its_label_in_order_and_the_truth_is_learned(
    run: Callable[..., Any], data: Path, tmp_path: Path, upstream: str,
    write_toml: Callable[..., Path],
) -> None:  # fmt: skip
    write_toml(upstream)
    done = run(*_arguments(data, "--truth", "team", "--json", "--task", "tickets"))
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    lines = _lines(tmp_path / "in.labels.jsonl")
    assert [line["row"] for line in lines] == list(range(1, ROWS + 1))
    right = sum(line["label"] == line["truth"] for line in lines)
    assert [line["correct"] for line in lines].count(True) == right
    assert told["accuracy"] == pytest.approx(right / ROWS)
    assert told["cost_usd"] == pytest.approx(sum(line["cost_usd"] for line in lines))
    assert sum(arm["rows"] for arm in told["arms"].values()) == told["rows"] == ROWS
    large, tiny = (told["always"][f"sim/{size}"] for size in ("large", "tiny"))
    assert large["expected_usd"] > told["cost_usd"] > tiny["expected_usd"]
    assert large["rows"] == ROWS
    assert told["best_single"] == max(
        told["always"], key=lambda arm: told["always"][arm]["expected_accuracy"]
    )
    logged = [json.loads(line) for line in run("log", "--limit", 99, "--json").stdout.splitlines()]
    assert len(logged) == ROWS
    assert all(each["outcomes"][-1]["kind"] == "feedback" for each in logged)
    assert {each["task"] for each in logged} == {"tickets"}


def test_rows_that_are_done_are_not_asked_again(
    run: Callable[..., Any], data: Path, tmp_path: Path, upstream: str,
    write_toml: Callable[..., Path],
) -> None:  # fmt: skip
    write_toml(upstream)
    assert run(*_arguments(data, "--limit", 10)).exit_code == 0
    first = _lines(tmp_path / "in.labels.jsonl")
    assert len(first) == 10
    with (tmp_path / "in.labels.jsonl").open("a") as file:
        file.write('{"row": 11, "dig')  # as a kill would leave it
    done = run(*_arguments(data))
    assert "10 of 30 rows are answered already" in done.stderr
    whole = _lines(tmp_path / "in.labels.jsonl")
    assert whole[:10] == first
    assert len(whole) == ROWS
    # fewer rows than the journal has lose none of it, and ask nothing
    again = run(*_arguments(data, "--limit", 5))
    assert "all 5 rows are answered already" in again.stderr
    assert _lines(tmp_path / "in.labels.jsonl") == whole


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_are_written_whole_at_the_end(
    run: Callable[..., Any], data: Path, tmp_path: Path, upstream: str,
    write_toml: Callable[..., Path], suffix: str,
) -> None:  # fmt: skip
    write_toml(upstream)
    out = tmp_path / f"out{suffix}"
    done = run(*_arguments(data, "--truth", "team", "--out", out, "--limit", 5))
    assert done.exit_code == 0, done.output
    if suffix == ".csv":
        with out.open(newline="") as file:
            rows: list[dict[str, Any]] = list(csv.DictReader(file))
    else:
        rows = pq.read_table(out).to_pylist()
    assert [int(row["row"]) for row in rows] == [1, 2, 3, 4, 5]
    assert {row["arm"] for row in rows} <= {"sim/tiny", "sim/large"}
    assert not list(tmp_path.glob("*.partial.jsonl"))
    kept = out.read_bytes()
    again = run(*_arguments(data, "--out", out, "--limit", 5, "--report", tmp_path / "r.html"))
    assert again.exit_code == 0, again.output
    assert "all 5 rows are answered already" in again.stderr
    assert out.read_bytes() == kept
    assert (tmp_path / "r.html").exists()
    more = run(*_arguments(data, "--truth", "team", "--out", out, "--limit", 8, "--json"))
    assert more.exit_code == 0, more.output
    assert "5 of 8 rows are answered already" in more.stderr
    assert json.loads(more.stdout)["judged"] == 8
    assert not list(tmp_path.glob("*.partial.jsonl"))


def test_rows_that_fail_are_counted_and_asked_again(
    run: Callable[..., Any], data: Path, tmp_path: Path, recordings: Recordings,
    write_toml: Callable[..., Path],
) -> None:  # fmt: skip
    with running(create_app(recordings, error_rate=0.6, seed=1)) as url:
        write_toml(f"{url}/v1")
        done = run(*_arguments(data, "--out", "out.csv", "--concurrency", 1, "--json"))
    assert done.exit_code == 1, done.output
    failed = json.loads(done.stdout)["failed"]
    assert 0 < failed < ROWS
    assert f"error: {failed} of 30 rows failed, the last with: " in done.stderr
    lines = _lines(tmp_path / "out.csv.partial.jsonl")
    assert sum(line.get("error") is not None for line in lines) == failed
    assert all(line["label"] is None for line in lines if line.get("error"))
    with running(create_app(recordings)) as url:
        write_toml(f"{url}/v1")
        again = run(*_arguments(data, "--out", "out.csv", "--json"))
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["failed"] == 0
    assert not (tmp_path / "out.csv.partial.jsonl").exists()


def test_it_gives_up_where_nothing_works(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()  # nobody listens there
    done = run(*_arguments(data, "--concurrency", 1))
    assert done.exit_code == 1
    assert f"error: {bulk.GIVE_UP_AFTER} rows failed one after the other" in done.stderr
    assert len(_lines(tmp_path / "in.labels.jsonl")) == bulk.GIVE_UP_AFTER


def test_an_empty_text_fails_without_a_call_and_an_empty_truth_is_unknown(
    run: Callable[..., Any], tmp_path: Path, upstream: str, write_toml: Callable[..., Path]
) -> None:
    write_toml(upstream)
    item = next(item for item in items(0, ROWS) if item.task == TASK)
    data = tmp_path / "in.jsonl"
    rows = [{"body": "", "team": "billing"}, {"body": item.text, "team": None}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run(*_arguments(data, "--truth", "team"))
    assert done.exit_code == 1
    first, second = _lines(tmp_path / "in.labels.jsonl")
    assert first["error"] == "the text is empty"
    assert second["label"] is not None
    assert "correct" not in second
    assert "error: 1 of 2 rows have no text" in done.stderr
    assert "once more" not in done.stderr


def test_rows_without_a_text_keep_no_other_from_an_answer(
    run: Callable[..., Any], tmp_path: Path, upstream: str, write_toml: Callable[..., Path]
) -> None:
    write_toml(upstream)
    item = next(item for item in items(0, ROWS) if item.task == TASK)
    data = tmp_path / "in.jsonl"
    bodies = ["", " "] * bulk.GIVE_UP_AFTER + [item.text]
    data.write_text("".join(json.dumps({"body": body}) + "\n" for body in bodies))
    done = run(*_arguments(data, "--out", "out.csv", "--concurrency", 1, "--json"))
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["rows"], told["empty"], told["failed"]) == (1, len(bodies) - 1, 0)
    assert not (tmp_path / "out.csv.partial.jsonl").exists()


def test_recorded_outcomes_are_learned_before_the_first_row(
    run: Callable[..., Any], data: Path, tmp_path: Path, upstream: str,
    write_toml: Callable[..., Path],
) -> None:  # fmt: skip
    write_toml(upstream)
    recorded = tmp_path / "recorded.parquet"
    pq.write_table(synthetic_recordings(0, 5), recorded)
    assert run(*_arguments(data, "--limit", 1, "--warm", recorded)).exit_code == 0
    (told,) = [json.loads(line) for line in run("log", "--json").stdout.splitlines()]
    assert told["version"] == 40


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--text", "text"), "lacks the column text; it has: body, team"),
        (("--truth", "label"), "lacks the column label; it has: body, team"),
        (("--labels", "account"), "needs 2 labels or more"),
        (("--out", "none/out.jsonl"), "there is no folder none"),
        (("--out", "out.txt"), "the name must end in .jsonl, .csv, .parquet"),
        (("--out", "in.csv"), "is there already and holds something else"),
        (("--gateway", "localhost:1"), "--gateway takes a URL"),
        (("--gateway", "http://127.0.0.1:9", "--warm", "x"), "--warm is for a router"),
        (("--policy", "fixed:nobody"), "no arm is called 'nobody'"),
    ],
)
def test_what_cannot_work_is_told_before_the_first_call(
    run: Callable[..., Any], data: Path, tmp_path: Path, upstream: str,
    write_toml: Callable[..., Path], arguments: tuple[str, ...], told: str,
) -> None:  # fmt: skip
    write_toml(upstream)
    done = run(*_arguments(data, *arguments))
    assert done.exit_code == 2, done.output
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert told in done.stderr
    assert not list(tmp_path.glob("*.labels.jsonl"))


def test_a_truth_outside_the_labels_is_named_with_its_row(
    run: Callable[..., Any], data: Path, upstream: str, tmp_path: Path,
    write_toml: Callable[..., Path],
) -> None:  # fmt: skip
    write_toml(upstream)
    with data.open("a") as file:
        file.write("a text,sales\n")
    done = run(*_arguments(data, "--truth", "team"))
    assert done.exit_code == 2
    assert "row 31" in done.stderr
    assert "'sales'" in done.stderr
    assert not (tmp_path / "log.db").exists()


def test_a_journal_of_another_input_or_other_labels_is_refused(
    run: Callable[..., Any], data: Path, tmp_path: Path, upstream: str,
    write_toml: Callable[..., Path],
) -> None:  # fmt: skip
    write_toml(upstream)
    run(*_arguments(data, "--limit", 2))
    kept = (tmp_path / "in.labels.jsonl").read_bytes()
    other = run("classify", data, "--text", "body", "--labels", "account,billing", "--limit", 2)
    assert other.exit_code == 2
    assert "another input or other labels" in other.stderr
    (tmp_path / "mine.jsonl").write_text("mine\n")
    foreign = run(*_arguments(data, "--out", tmp_path / "mine.jsonl"))
    assert foreign.exit_code == 2
    assert "holds something else" in foreign.stderr
    assert (tmp_path / "in.labels.jsonl").read_bytes() == kept
    assert (tmp_path / "mine.jsonl").read_text() == "mine\n"


@pytest.mark.process
def test_a_gateway_answers_and_learns_over_http(
    run: Callable[..., Any], data: Path, tmp_path: Path, upstream: str,
    write_toml: Callable[..., Path],
) -> None:  # fmt: skip
    write_toml(upstream)
    with started("serve", "--port", 0, "--json", cwd=tmp_path) as process:
        url = place(process)
        arguments = _arguments(data, "--truth", "team", "--gateway", f"{url}/v1", "--json")
        done = run(*arguments)
        assert done.exit_code == 0, done.output
        assert interrupt(process)[0] == 0
    told = json.loads(done.stdout)
    assert told["judged"] == ROWS
    assert told["always"]["sim/large"]["rows"] == ROWS
    assert told["best_single"] in told["always"]
    logged = [json.loads(line) for line in run("log", "--limit", 99, "--json").stdout.splitlines()]
    assert sum(each["outcomes"][-1]["kind"] == "feedback" for each in logged) == ROWS
    gone = run(*_arguments(data, "--out", "other.jsonl", "--gateway", url))
    assert gone.exit_code == 1
    assert "cannot be reached" in gone.stderr


@pytest.mark.process
def test_an_interrupted_run_goes_on_where_it_was(
    data: Path, tmp_path: Path, recordings: Recordings, write_toml: Callable[..., Path],
    run: Callable[..., Any],
) -> None:  # fmt: skip
    out = tmp_path / "in.labels.jsonl"
    with running(create_app(recordings, latency_s=0.05)) as url:
        write_toml(f"{url}/v1")
        arguments = _arguments(data, "--truth", "team", "--concurrency", 1)
        with started(*arguments, cwd=tmp_path) as process:
            while process.poll() is None and not (out.exists() and out.stat().st_size):
                pass
            code, _, stderr = interrupt(process)
        assert code == 130, stderr
        assert "the same command goes on from there" in stderr
        assert "Traceback" not in stderr
        kept = _lines(out)
        assert 0 < len(kept) < ROWS
        done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert _lines(out)[: len(kept)] == kept
    assert len(_lines(out)) == ROWS
