from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metallm.cli.recorded_arms import arms_of
from metallm.sandbox.synthetic import synthetic_recordings
from metallm.tables.recordings import Recordings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.parquet"
    pq.write_table(synthetic_recordings(0, 10), path)
    return path


def test_all_modes_are_printed_and_written(
    run: Callable[..., Any], data: Path, tmp_path: Path
) -> None:
    done = run("replay", data, "--seeds", 2, "--json", tmp_path / "out.json")
    assert done.exit_code == 0
    for mode in ("offline", "online", "hybrid"):
        assert f"{mode}, cost weight 0.2" in done.stdout
        assert f"{mode}: " in done.stderr
    reports = json.loads((tmp_path / "out.json").read_text())
    assert [each["figures"]["mode"] for each in reports] == ["offline", "online", "hybrid"]
    assert reports[0]["figures"]["seeds"] == [0, 1]


def test_a_dash_writes_json_alone_to_stdout(run: Callable[..., Any], data: Path) -> None:
    done = run("replay", data, "--mode", "online", "--seeds", 1, "--json", "-",
               "--policy", "fixed:sim/large", "--cost-weight", 0.7)  # fmt: skip
    (report,) = json.loads(done.stdout)
    assert report["figures"]["cost_weight"] == 0.7
    assert report["figures"]["shares"]["sim/large"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--policy", "fixed:nobody"), "no arm is called 'nobody'"),
        (("--policy", "wise"), "no policy is called 'wise'"),
        (("--cost-weight", "-1"), "cost_weight"),
        (("--json", "none/out.json"), "there is no folder none"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_2(
    run: Callable[..., Any], data: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = run("replay", data, "--seeds", 1, *arguments)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert told in done.stderr


def test_an_arm_costs_per_token_what_was_recorded() -> None:
    table = pa.table(
        {
            "query": ["q" * 40, "r" * 40, "q" * 40],
            "model": ["a", "a", "free"],
            "score": [1, 0, 1],
            "cost_usd": [0.003, None, None],
            "input_tokens": [20, 30, 1],
            "output_tokens": [10, 10, 1],
        }
    )
    arms = arms_of(Recordings.read(table))
    assert list(arms) == ["a"]
    assert arms["a"].input_price == arms["a"].output_price == pytest.approx(0.003 / 30 * 1e6)


def test_tokens_that_were_not_recorded_are_guessed_from_the_texts() -> None:
    table = pa.table(
        {
            "query": ["q" * 40],
            "model": ["a"],
            "score": [1],
            "cost_usd": [0.002],
            "response": ["y" * 8],
        }
    )
    price = arms_of(Recordings.read(table))["a"].input_price
    assert price is not None
    assert np.isclose(price, 0.002 / (10 + 2) * 1e6)
