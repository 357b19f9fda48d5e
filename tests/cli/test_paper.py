from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from metallm.cli.paper import contenders
from metallm.cli.recorded_arms import arms_of
from metallm.evaluation.paper_protocol import compare
from metallm.sandbox.synthetic import synthetic_recordings
from metallm.tables.recordings import Recordings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.parquet"
    pq.write_table(synthetic_recordings(0, 8), path)
    return path


def test_both_algorithms_are_tuned_to_a_budget_in_three_modes(
    run: Callable[..., Any], data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    done = run("paper", data, "--seeds", 1, "--budget", "sim/large", "--json", out)
    assert done.exit_code == 0, done.output
    for word in ("offline", "online", "hybrid", "squarecb − paper", "sim/tiny"):
        assert word in done.stdout
    assert "paper: 6 of 6" in done.stderr
    told = json.loads(out.read_text())
    rows = told["rows"]
    assert [(row["mode"], row["router"]) for row in rows] == [
        (mode, router)
        for mode in ("offline", "online", "hybrid")
        for router in ("paper", "squarecb")
    ]
    assert all(row["seeds"][0]["budget_met_in_tuning"] for row in rows)
    assert len(told["singles"]) == 4


def test_each_p_has_a_router_of_the_papers_and_all_share_one_of_ours(data: Path) -> None:
    recordings = Recordings.read(data)
    theirs, ours = contenders(arms_of(recordings))
    router = theirs.make(0, recordings.models, 0.7)
    assert (router.cost_weight, router.policy.name) == (0.7, "paper")  # type: ignore[attr-defined]
    assert not theirs.weighs_per_decision
    assert ours.weighs_per_decision
    found = compare(
        recordings, [theirs], modes=["offline"], seeds=[0], cost_weights=[1e6], budgets=["sim/tiny"]
    )
    # at such a p the learned reward is the cost alone: the cheapest is asked always
    (attempt,) = found.attempts
    (tiny,) = found.singles["sim/tiny"]
    assert attempt.test.cost_usd == pytest.approx(tiny.cost_usd)
    assert attempt.test.quality == tiny.quality


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--budget", "nobody"), "no arm is called 'nobody'"),
        (("--json", "none/out.json"), "there is no folder none"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_2(
    run: Callable[..., Any], data: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = run("paper", data, "--seeds", 1, *arguments)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert told in done.stderr
