from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metallm.core.arrays import FloatArray
from metallm.evaluation.panel import Panel, panel_of
from routing import baselines, offline
from routing.methods import RIDGE, offline_methods
from routing.split import Estimates, Split
from routing.table import Table


def known(split: Split, quality: FloatArray) -> Estimates:
    """Estimates of quality beside the true costs."""
    return Estimates(quality, split.decided.cost_usd, split.decided.cost_scale)


def test_who_knows_all_beforehand_closes_the_gap_and_saves_most(table: Table) -> None:
    split = Split(table, 0)
    found = offline.estimated_figures(split, known(split, split.decided.quality))
    assert found["gap_closed"] == pytest.approx(1.0, abs=0.02)
    assert found["saving95"] > 0.3
    assert found["equal_cost"] > 0.0
    oracle = offline.baseline_figures(split, "oracle")
    assert found["curve"] == pytest.approx(oracle["curve"], abs=0.02)


def test_the_baselines_are_what_they_are_called(table: Table) -> None:
    split = Split(table, 1)
    found = {name: offline.baseline_figures(split, name) for name in baselines.POINTS}
    assert found["cost-matched mix"]["gap_closed"] == pytest.approx(0.0, abs=1e-12)
    assert found["best single"]["equal_cost"] == pytest.approx(0.0)
    assert found["best single"]["saving100"] == pytest.approx(0.0, abs=1e-9)
    qualities = np.nanmean(split.decided.quality, axis=0)
    assert found["best single"]["quality"] == pytest.approx(qualities.max())
    assert found["random"]["quality"] == pytest.approx(qualities.mean())
    assert found["cheapest"]["cost_usd"] == pytest.approx(
        np.nanmean(split.decided.cost_usd, axis=0).min()
    )


def test_the_task_table_tells_tasks_apart(table: Table) -> None:
    split = Split(table, 0)
    quality = baselines.task_label(split).quality
    names = np.array(table.recordings.datasets)[split.test]
    for task in np.unique(names):
        assert (quality[names == task] == quality[names == task][0]).all()
    assert len(np.unique(quality[:, 0])) == len(np.unique(names))


def test_two_models_have_calls_to_the_strong_one_and_more_have_none(table: Table) -> None:
    split = Split(table, 0)
    assert "apgr" not in offline.estimated_figures(split, known(split, split.decided.quality))
    qualities = np.nanmean(table.panel.quality, axis=0)
    pair = [table.panel.models[column] for column in np.argsort(qualities)[[0, -1]]]
    two = replace(
        table,
        recordings=table.recordings.with_arms(pair),
        panel=offline_panel(table, pair),
        arms=tuple(arm for name in pair for arm in table.arms if arm.name == name),
    )
    split = Split(two, 0)
    found = offline.estimated_figures(split, known(split, split.decided.quality))
    assert 0.5 < found["apgr"] <= 1.5
    assert 0.0 < found["cpt20"] <= found["cpt50"] <= found["cpt80"] < 1.0


def offline_panel(table: Table, names: list[str]) -> Panel:
    kept = table.recordings.with_arms(names)
    return panel_of(kept.models, kept.score, kept.cost_usd)


def test_every_method_without_peers_gives_all_figures(table: Table) -> None:
    split = Split(table, 0)
    methods = offline_methods(peers=False)
    assert RIDGE in {method.name for method in methods}
    for method in methods:
        setting = next(iter(method.settings.values()))
        figures = method.figures(split, setting)
        assert {"gap_closed", "saving99", "arena", "curve"} <= set(figures)
        assert len(figures["curve"]) == offline.CURVE_POINTS
