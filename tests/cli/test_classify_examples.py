"""`metallm classify --few-shot` and `--task`: what stands in the prompts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.upstreams import Said, Upstream, question
from metallm.core.price import Usage

USAGE = Usage(100, 3)
WORDS = {"billing": "invoice", "delivery": "parcel", "login": "password"}


def _text(number: int) -> str:
    return f"my {list(WORDS.values())[number % 3]} number {number} is wrong"


def _truth(number: int) -> str:
    return list(WORDS)[number % 3]


def _says(body: Mapping[str, Any]) -> Said:
    asked = question(body).partition("Text:")[2].lower()
    return next(label for label, word in WORDS.items() if word in asked), USAGE


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = [{"body": _text(n), "team": _truth(n)} for n in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _arguments(data: Path, *more: object) -> tuple[object, ...]:
    told = ("--text", "body", "--labels", "billing,delivery,login", "--concurrency", 1)
    return ("classify", data, *told, *more)


def _lines(path: Path) -> dict[int, dict[str, Any]]:
    return {line["row"]: line for line in map(json.loads, path.read_text().splitlines())}


def test_every_prompt_shows_every_label_and_never_the_row_itself(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    upstream = Upstream(_says)
    with upstream.serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--truth", "team", "--few-shot", 3, "--json"))
    assert done.exit_code == 0, done.output
    told, lines = json.loads(done.stdout), _lines(tmp_path / "in.labels.jsonl")
    examples = {row: line for row, line in lines.items() if line.get("example")}
    assert {line["label"] for line in examples.values()} == set(WORDS)
    assert {line["example"] for line in examples.values()} == {1, 2, 3}
    assert (told["examples"], told["rows"], told["judged"]) == (3, 27, 27)
    assert all("decision_id" not in line and "correct" not in line for line in examples.values())
    assert len(upstream.asked) <= 27
    for body in upstream.asked:
        *shown, last = body["messages"]
        assert [message["role"] for message in shown] == ["user", "assistant"] * 3
        for row, line in examples.items():
            turn = 2 * (line["example"] - 1)
            assert _text(row - 1) in shown[turn]["content"]
            assert shown[turn + 1]["content"] == line["label"]
            assert _text(row - 1) not in last["content"]
    assert len({str(body["messages"][:-1]) for body in upstream.asked}) == 1


def test_a_run_that_goes_on_asks_in_the_same_words_whatever_the_limit_was(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    upstream = Upstream(_says)
    with upstream.serving() as url:
        write_toml(url)
        run(*_arguments(data, "--truth", "team", "--few-shot", 4, "--limit", 5))
        first = str(upstream.asked[0]["messages"][:-1])
        with data.open("a") as file:  # more rows, which would be chosen otherwise
            rows = [{"body": f"my invoice is late {n}", "team": "billing"} for n in range(40)]
            file.writelines(json.dumps(row) + "\n" for row in rows)
        done = run(*_arguments(data, "--truth", "team", "--few-shot", 4))
    assert done.exit_code == 0, done.output
    assert {str(body["messages"][:-1]) for body in upstream.asked} == {first}
    lines = _lines(tmp_path / "in.labels.jsonl")
    assert sum(bool(line.get("example")) for line in lines.values()) == 4
    assert len(lines) == 70


def test_a_text_that_stands_there_twice_is_no_example(
    run: Callable[..., Any], tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    data = tmp_path / "in.jsonl"
    texts = ["my invoice", "My  invoice", "my parcel", "my password is lost", "my password is long"]
    labels = ["billing", "billing", "delivery", "login", None]
    rows = [{"body": t, "team": each} for t, each in zip(texts, labels, strict=True)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Upstream(_says).serving() as url:
        write_toml(url)
        few = run(*_arguments(data, "--truth", "team", "--few-shot", 3))
        assert few.exit_code == 2
        assert "and there are 2 (with a text that stands there once" in few.stderr
        assert not (tmp_path / "in.labels.jsonl").exists()
        done = run(*_arguments(data, "--truth", "team", "--few-shot", 2))
    assert done.exit_code == 0, done.output
    assert "2 labelled rows stand in every prompt and are not asked: " in done.stderr
    lines = _lines(tmp_path / "in.labels.jsonl")
    assert {row for row, line in lines.items() if line.get("example")} == {3, 4}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_examples_and_what_was_said_are_columns_of_tables_too(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path],
    suffix: str,
) -> None:  # fmt: skip
    out = tmp_path / f"out{suffix}"
    with Upstream(_says).serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--truth", "team", "--few-shot", 3, "--out", out))
    assert done.exit_code == 0, done.output
    from metallm.tables.files import read_table

    rows = read_table(out).to_pylist()
    assert sorted(row["example"] for row in rows if row["example"]) == [1, 2, 3]
    asked = next(row for row in rows if row["calls"] == 1)
    said = json.loads(asked["said"]) if suffix == ".csv" else asked["said"]
    assert said == [{"arm": asked["arm"], "label": asked["label"]}]
    assert asked["at"] > 1.7e9


def test_few_shot_needs_labels_to_show_and_a_prompt_of_its_own(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()
    done = run(*_arguments(data, "--few-shot", 2))
    assert done.exit_code == 2
    assert "name the column of labels with --truth" in done.stderr
    done = run(*_arguments(data, "--few-shot", 2, "--gateway", "http://127.0.0.1:9"))
    assert done.exit_code == 2
    assert "a gateway builds its own prompts" in done.stderr


TASKS = """
[[tasks]]
name = "teams"
labels = { billing = "money", delivery = "parcels", login = "access" }
instructions = "You sort the mail of a shop."
examples = [{ text = "Where is my refund?", label = "billing" }]
[[tasks]]
name = "topics"
kind = "multi"
labels = ["billing", "delivery", "login"]
[[tasks]]
name = "letters"
kind = "choice"
labels = ["A", "B"]
[[tasks]]
name = "stars"
kind = "ordinal"
labels = ["1", "2", "3"]
"""


def _declare(path: Path) -> None:
    path.write_text(path.read_text() + TASKS)


def test_a_declared_task_needs_no_labels_and_asks_in_its_own_words(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    upstream = Upstream(_says)
    with upstream.serving() as url:
        _declare(write_toml(url))
        done = run("classify", data, "--text", "body", "--task", "teams", "--truth", "team",
                   "--few-shot", 3, "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["accuracy"] == 1.0
    messages = upstream.asked[0]["messages"]
    assert len(messages) == 2 * (1 + 3) + 1
    assert "Where is my refund?" in messages[0]["content"]
    assert "You sort the mail of a shop." in messages[-1]["content"]
    assert "money" in messages[-1]["content"]
    logged = json.loads(run("log", "--limit", 1, "--json").stdout)
    assert logged["task"] == "teams"


def test_several_labels_a_text_come_from_lists_or_with_bars_between(
    run: Callable[..., Any], tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    table = pa.table(
        {
            "body": ["my parcel and my invoice", "my parcel", "my password"],
            "tags": [["delivery", "billing"], ["Delivery"], None],
            "bars": ["delivery|billing", "billing", ""],
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    both = Upstream(lambda body: ("Billing and delivery", USAGE))
    with both.serving() as url:
        _declare(write_toml(url))
        arguments = ("classify", tmp_path / "in.parquet", "--text", "body", "--task", "topics")
        done = run(*arguments, "--truth", "tags", "--json", "--report", "r.html")
        assert done.exit_code == 0, done.output
        again = run(*arguments, "--truth", "bars", "--out", "out.csv", "--json")
    told, lines = json.loads(done.stdout), _lines(tmp_path / "in.labels.jsonl")
    assert {line["label"] for line in lines.values()} == {"billing | delivery"}
    assert [lines[row].get("truth") for row in (1, 2, 3)] == [
        "billing | delivery",
        "delivery",
        None,
    ]
    assert (told["judged"], told["accuracy"]) == (2, 0.5)
    assert told["figures"]["quality"] == pytest.approx(0.75)  # one of two labels is shared
    assert json.loads(again.stdout)["figures"]["quality"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("task", "answer", "truth", "quality"),
    [("letters", "B", "A", 0.0), ("stars", "2", "3", 0.5)],
)
def test_letters_and_levels_are_asked_and_scored_by_their_kind(
    run: Callable[..., Any], tmp_path: Path, write_toml: Callable[..., Path],
    task: str, answer: str, truth: str, quality: float,
) -> None:  # fmt: skip
    data = tmp_path / "in.csv"
    data.write_text(f"body,truth\nwhich one? A) x B) y,{truth}\n")
    with Upstream(lambda _: (answer, USAGE)).serving() as url:
        _declare(write_toml(url))
        arguments = ("classify", data, "--text", "body", "--task", task, "--truth", "truth")
        done = run(*arguments, "--json", "--budget", 1)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["accuracy"] == 0.0
    assert told["figures"]["quality"] == pytest.approx(quality)
