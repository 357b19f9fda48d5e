from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import route
from metallm.learners.blend import BlendSettings
from routing import candidates
from routing.candidates import OnlineSettings
from routing.markup import to_html


@pytest.fixture(autouse=True)
def _two_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small learners, so that the test is quick."""
    small = BlendSettings(directions=4, landmarks=8, cells=2, cuts=1)
    monkeypatch.setattr(
        candidates, "OFFLINE", {"small": small, "smaller": BlendSettings(directions=2, landmarks=4)}
    )
    monkeypatch.setattr(candidates, "ONLINE", {"small": OnlineSettings(small)})


def run(*arguments: object) -> None:
    route.main([*map(str, arguments), "--no-peers", "--shuffles", "2", "--tuning-shuffles", "1"])


def test_a_folder_gives_figures_tables_and_a_file_to_resume_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, out, page = folder / "r.jsonl", folder / "out.json", folder / "page.md"
    run(folder, "--results", results, "--json", out, "--markdown", page)
    figures = json.loads(out.read_text())["figures"]
    assert {
        "gap_closed.first", "gap_closed.second", "gap_closed_mean", "saving99_median",
        "cold_reward_mean", "warm25_reward.first", "warm25_reward.second",
        "calibration_error_mean", "calibration_error.first", "brier_mean",
        "calibration_error_mean.task-label router", "brier_mean.each model's mean",
    } <= set(figures)  # fmt: skip
    assert figures["gap_closed_mean"] == pytest.approx(
        (figures["gap_closed.first"] + figures["gap_closed.second"]) / 2
    )
    assert figures["gap_closed_mean.cost-matched mix"] == pytest.approx(0.0, abs=1e-9)
    assert figures["gap_closed_mean.oracle"] == pytest.approx(1.0, abs=0.01)
    assert figures["cold_reward_mean.oracle"] > figures["cold_reward_mean"]
    assert "| **MetaLLM** |" in page.read_text()
    assert "#### Calibration error, points" in page.read_text()
    assert "calibration_error_mean.random" not in figures
    lines = results.read_text()
    assert "left" in capsys.readouterr().err
    run(folder, "--results", results, "--json", out)
    assert results.read_text() == lines
    assert json.loads(out.read_text())["figures"] == figures


def test_what_an_interrupt_left_undone_is_done_and_nothing_else(folder: Path) -> None:
    results = folder / "r.jsonl"
    run(folder, "--results", results, "--only", "offline")
    whole = results.read_text().splitlines()
    results.write_text("\n".join(whole[:5]) + "\n" + whole[5][:40])
    run(folder, "--results", results, "--only", "offline")
    keys = [json.loads(line)["key"] for line in results.read_text().splitlines()
            if line.endswith("}}")]  # fmt: skip
    assert sorted(keys) == sorted(json.loads(line)["key"] for line in whole)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # BLAS may have threads by then
def test_two_processes_find_what_one_finds(folder: Path) -> None:
    one, two = folder / "one.json", folder / "two.json"
    run(folder, "--only", "offline", "--json", one)
    run(folder, "--only", "offline", "--json", two, "--jobs", 2)
    assert one.read_text() == two.read_text()


def test_a_missing_file_is_named_and_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "nowhere.parquet")
    assert "skipped: no such file" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("plotly") is None, reason="the extra bench is not installed")
def test_the_report_needs_nothing_from_the_network(folder: Path) -> None:
    report = folder / "report.html"
    run(folder / "first.parquet", "--report", report)
    text = report.read_text()
    assert "first: quality for money" in text
    assert not re.search(r"<script[^>]*src=", text)
    assert "<link" not in text.split("<script", maxsplit=1)[0]
    assert text.count("Plotly.newPlot(") == 6
    # before the tables of their part, and no mark of theirs is left
    assert text.index("first: quality for money") < text.index("<h3>Gap closed")
    assert text.index("first: a cold stream") < text.index("<h3>Cold, whole stream")
    assert "[plots:" not in text


def test_markdown_becomes_html() -> None:
    found = to_html(
        "# A & B\n\nText **bold** and *other* 3* | 4 * 5\non."
        "\n\n- one\n  more\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    assert "<h1>A &amp; B</h1>" in found
    assert "<p>Text <b>bold</b> and <em>other</em> 3* | 4 * 5 on.</p>" in found
    assert "<ul><li>one more</li><li>two</li></ul>" in found
    assert "<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td>2</td></tr>" in found
