from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.sandbox.synthetic import synthetic_recordings
from routing import baselines, ours
from routing.calibration import (
    BINS,
    calibration_error,
    calibration_figures,
    cells_of,
    reliability,
)
from routing.candidates import OFFLINE
from routing.split import Estimates, Split
from routing.table import Table, read_table


def test_an_error_is_that_of_the_bins_weighed_by_what_they_hold() -> None:
    believed = np.array([0.05, 0.05, 0.05, 0.95])
    recorded = np.array([0.0, 0.0, 0.3, 1.0])
    bins = reliability(believed, recorded)
    assert bins[0] == pytest.approx([3, 0.05, 0.1])
    assert bins[-1] == pytest.approx([1, 0.95, 1.0])
    assert calibration_error(bins) == pytest.approx(0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.data())
def test_every_pair_is_in_one_bin_and_no_error_is_below_that_of_the_whole_mean(
    believed: list[float], data: st.DataObject
) -> None:
    n = len(believed)
    recorded = data.draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    x, y = np.array(believed), np.array(recorded)
    bins = reliability(x, y)
    assert bins.shape == (BINS, 3)
    assert bins[:, 0].sum() == n
    assert (bins[:, 0] @ bins[:, 1:]) / n == pytest.approx([x.mean(), y.mean()])
    assert abs(x.mean() - y.mean()) - 1e-9 <= calibration_error(bins) <= 1.0 + 1e-9


def estimates(
    split: Split, quality: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> Estimates:
    return Estimates(quality, split.decided.cost_usd, split.decided.cost_scale)


def test_the_truth_has_no_error_and_the_opposite_all(table: Table) -> None:
    split = Split(table, 0)
    truth = np.round(split.decided.quality)
    right = calibration_figures(split, estimates(split, split.decided.quality))
    wrong = calibration_figures(split, estimates(split, 1.0 - truth))
    assert right["ece"] == pytest.approx(0.0, abs=1e-12)
    assert right["brier"] == pytest.approx(0.0, abs=1e-12)
    assert wrong["ece"] > 0.5
    assert wrong["brier"] > right["brier_means"] > 0.0


def test_estimates_outside_0_and_1_count_as_the_bounds(table: Table) -> None:
    split = Split(table, 0)
    shape = split.decided.quality.shape
    found = [
        calibration_figures(split, estimates(split, np.full(shape, level))) for level in (1.0, 7.0)
    ]
    assert found[0] == found[1]


def test_large_standard_errors_cover_and_those_of_0_add_nothing_to_luck(tmp_path: Path) -> None:
    path = tmp_path / "longer.parquet"
    pq.write_table(synthetic_recordings(0, per_task=60), path)
    split = Split(read_table(path), 0)
    believed = estimates(split, np.clip(split.decided.quality, 0.2, 0.4))
    shape = believed.quality.shape
    for error, held in ((np.full(shape, 9.0), 1.0), (np.zeros(shape), None)):
        found = calibration_figures(
            split, Estimates(believed.quality, believed.cost_usd, believed.cost_scale, error)
        )
        assert found["covered"] == (found["covered_by_luck"] if held is None else held)
    assert "covered" not in calibration_figures(split, believed)


def test_every_row_is_in_one_cell() -> None:
    contexts = np.random.default_rng(0).normal(size=(230, 5))
    cells = cells_of(contexts, 3)
    assert sorted(np.concatenate(cells).tolist()) == list(range(230))
    assert len(cells) == 4


def test_ours_and_a_table_of_tasks_are_off_by_less_than_a_guess(table: Table) -> None:
    split = Split(table, 0)
    mine = ours.offline(split, OFFLINE["default"])
    assert mine.error is not None
    assert (mine.error > 0.0).all()
    for found in (mine, baselines.task_label(split)):
        figures = calibration_figures(split, found)
        assert figures["ece"] < 0.2
        assert figures["brier"] < 0.25
