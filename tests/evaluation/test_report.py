from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from metallm.evaluation.baselines import BEST, NAMES, Performance
from metallm.evaluation.frontier import Standing
from metallm.evaluation.report import markdown_table, report, rich_table
from metallm.evaluation.results import POLICY, Replay, Run
from metallm.evaluation.sweep import Sweep


def run_of(seed: int, quality: float) -> Run:
    baselines = {name: Performance(0.5, 0.00012, 0.4, 0.2) for name in NAMES}
    baselines[BEST] = Performance(0.9, 0.02, 0.8, 0.1, "dear")
    return Run(
        seed=seed,
        rows=50,
        performance=Performance(quality, 0.004, 0.85, 0.05),
        regret_fixed=-0.05,
        baselines=baselines,
        shares={"cheap": 0.75, "dear": 0.25},
        curve={50: 2.5},
    )


def replayed(*qualities: float) -> Replay:
    runs = tuple(run_of(seed, quality) for seed, quality in enumerate(qualities))
    return Replay("hybrid", 0.1, 0.02, ("cheap", "dear"), ("unpriced",), runs)


def sweep_of(closed: float, saving: float) -> Sweep:
    standing = Standing(0.8, 0.7, 0.9, closed, {0.99: saving}, {0.99: 0.1})
    return Sweep(0, (0.1,), (Performance(0.9, 1.0, 0.8, 0.1),), standing)


def test_the_report_holds_every_row_with_its_interval() -> None:
    rows = report(replayed(0.91, 0.93))["rows"]
    assert [row["name"] for row in rows] == [POLICY, *NAMES]
    # mean .92, standard error .01, t(1) = 12.706
    assert rows[0]["accuracy"]["mean"] == pytest.approx(0.92)
    assert rows[0]["accuracy"]["high"] == pytest.approx(0.92 + 0.12706, abs=1e-5)
    assert rows[0]["cost_per_1k_usd"]["mean"] == pytest.approx(4.0)
    assert rows[1]["models"] == ["dear"]


def test_the_figures_say_what_was_measured_and_how() -> None:
    figures = report(replayed(0.91, 0.93))["figures"]
    assert figures["mode"] == "hybrid"
    assert figures["seeds"] == [0, 1]
    assert figures["queries_per_seed"] == 50
    assert figures["left_out"] == ["unpriced"]
    assert figures["regret_best_fixed"]["mean"] == pytest.approx(-0.05)
    assert figures["shares"] == {"cheap": 0.75, "dear": 0.25}
    assert figures["lead_over_best_fixed"]["50"]["mean"] == 2.5
    assert "gap_closed" not in figures


def test_the_report_is_valid_json_even_where_figures_are_undefined() -> None:
    found = report(replayed(0.9), [sweep_of(float("nan"), 0.3)])
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert found["rows"][0]["accuracy"] == {"mean": 0.9, "low": None, "high": None}
    assert found["figures"]["gap_closed"]["mean"] is None


def test_sweeps_add_gap_closed_and_savings_over_seeds() -> None:
    figures = report(replayed(0.9), [sweep_of(0.2, 0.3), sweep_of(0.4, 0.5)])["figures"]
    assert figures["gap_closed"]["mean"] == pytest.approx(0.3)
    assert figures["aiq_oracle"]["mean"] == pytest.approx(0.9)
    assert figures["savings"]["0.99"]["mean"] == pytest.approx(0.4)
    assert figures["zero_savings"]["0.99"]["mean"] == pytest.approx(0.1)


def test_a_saving_that_one_seed_missed_is_told_for_none() -> None:
    figures = report(replayed(0.9), [sweep_of(0.2, 0.3), sweep_of(0.4, float("nan"))])["figures"]
    assert figures["savings"]["0.99"]["mean"] is None


def test_the_markdown_table_has_one_line_a_row_and_costs_with_three_digits() -> None:
    lines = markdown_table(replayed(0.91, 0.93)).splitlines()
    assert lines[0] == "|  | accuracy % | cost per 1k queries, USD | reward | regret |"
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: |"
    assert len(lines) == 2 + 1 + len(NAMES)
    assert (
        lines[2] == "| policy | 92.00 ± 12.71 | 4.00 ± 0.00 | 0.8500 ± 0.0000 | 0.0500 ± 0.0000 |"
    )
    assert lines[3].startswith("| best single (dear) | 90.00 ± 0.00 | 20.00 ± 0.00 |")
    assert "| 0.120 ± 0.000 |" in lines[4]


def test_one_seed_is_shown_without_a_spread() -> None:
    assert "±" not in markdown_table(replayed(0.9))


def test_free_models_are_shown_as_costing_nothing() -> None:
    run = run_of(0, 0.9)
    free = {name: Performance(0.5, 0.0, 0.5, 0.2) for name in NAMES}
    found = Replay(
        "online", 0.1, 0.0, ("a",), (),
        (Run(0, 50, run.performance, 0.0, free, {"a": 1.0}, {50: 0.0}),),
    )  # fmt: skip
    assert "| random | 50.00 | 0.00 |" in markdown_table(found)


def test_the_terminal_table_shows_every_row() -> None:
    console = Console(file=io.StringIO(), width=160)
    console.print(rich_table(replayed(0.91, 0.93)))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "hybrid, cost weight 0.1, 50 queries, 2 seeds" in shown
    for name in (POLICY, *NAMES):
        assert name in shown
    assert "92.00 ± 12.71" in shown


def test_rich_is_imported_only_for_the_terminal_table() -> None:
    code = "import sys, metallm.evaluation.report; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
