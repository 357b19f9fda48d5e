"""What `metallm classify` says at its end, and its page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.upstreams import Said, Upstream, question
from metallm.core.price import Usage

USAGE = Usage(100, 3)
ROWS = 40


def _text(number: int) -> str:
    return f"{'invoice' if number % 2 else 'parcel'} <script>{number}</script>"


def _truth(number: int) -> str:
    right = "billing" if number % 2 else "delivery"
    # a label of the file that is wrong
    return "delivery" if number == 7 else right


def _says(body: Mapping[str, Any]) -> Said:
    asked = question(body)
    return ("billing" if "Text:\ninvoice" in asked else "delivery"), USAGE


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = [{"body": _text(n), "team": _truth(n)} for n in range(ROWS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _arguments(data: Path, *more: object) -> tuple[object, ...]:
    told = ("--text", "body", "--labels", "billing,delivery", "--task", "teams")
    return ("classify", data, *told, *more)


def test_figures_come_with_intervals_and_rows_to_look_at(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(_says).serving() as url:
        write_toml(url)
        told = json.loads(run(*_arguments(data, "--truth", "team", "--json")).stdout)
        shown = run(*_arguments(data, "--truth", "team"))
    low, high = told["figures"]["accuracy_interval"]
    assert low < told["accuracy"] < high
    assert 0.8 < told["figures"]["macro_f1"] <= 1.0
    assert 8 in told["look_at"]["contested"]
    assert (told["left"], told["budget"]) == (0, None)
    assert f"accuracy {100 * told['accuracy']:.1f} % (95 %:" in shown.stderr
    assert "rows to look at: surest against the truth" in shown.stderr
    assert "confidence is off by" in shown.stderr


@pytest.mark.parametrize("truth", [True, False])
def test_the_page_is_one_file_in_which_texts_stay_texts(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path],
    truth: bool,
) -> None:  # fmt: skip
    told = ("--truth", "team") if truth else ()
    with Upstream(_says).serving() as url:
        write_toml(url)
        done = run(*_arguments(data, *told, "--report", "r.html", "--budget", 1))
    assert done.exit_code == 0, done.output
    assert "the report is in r.html" in done.stderr
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "in.jsonl" in html
    assert "of the budget of $1.00 are spent" in html
    assert ("Sure, and against the given truth" in html) == truth
    assert "Against always asking one model" in html


def test_a_page_of_a_finished_job_compares_with_single_models_too(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(_says).serving() as url:
        write_toml(url)
        run(*_arguments(data, "--truth", "team"))
        done = run(*_arguments(data, "--truth", "team", "--report", "r.html", "--json"))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["always"]["sim/large"]["rows"] == ROWS
    assert "Against always asking one model" in (tmp_path / "r.html").read_text()
    # the log is not there any more: then without
    for path in tmp_path.glob("log.db*"):
        path.unlink()
    gone = run(*_arguments(data, "--truth", "team", "--report", "r.html", "--json"))
    assert gone.exit_code == 0, gone.output
    assert json.loads(gone.stdout)["always"] == {}


def test_a_page_that_cannot_be_written_is_told_before_anything_is_asked(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    upstream = Upstream(_says)
    with upstream.serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--report", "none/r.html"))
    assert done.exit_code == 2
    assert "there is no folder none" in done.stderr
    assert upstream.asked == []


def test_without_an_answer_there_is_no_page(
    run: Callable[..., Any], tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    data = tmp_path / "in.jsonl"
    data.write_text('{"body": ""}\n')
    write_toml()
    done = run(*_arguments(data, "--report", "r.html"))
    assert done.exit_code == 1
    assert "there is nothing to tell in r.html" in done.stderr
    assert not (tmp_path / "r.html").exists()
