from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from metallm.core.arrays import FloatArray
from routing.methods import OURS, online_methods
from routing.online import Stream, figures, play
from routing.peers import factors, knn, ridge
from routing.peers.quality import QualityKind
from routing.table import Table


def rows(n: int) -> tuple[FloatArray, FloatArray]:
    """Contexts that tell which of two models is right, some answers missing."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 6))
    right = np.column_stack([x[:, 0] > 0, x[:, 0] < 0, np.full(n, 0.4)]).astype(float)
    quality = np.where(rng.uniform(size=right.shape) < 0.05, np.nan, right)
    return x, quality


@pytest.mark.parametrize("kind", [ridge.KIND, knn.KIND, factors.KIND])
def test_quality_models_find_out_which_model_is_right(kind: QualityKind) -> None:
    x, quality = rows(1200)
    for options in kind.settings.values():
        model = kind.make(0, **options)
        model.fit(x[:1000], quality[:1000])
        found = model.predict(x[1000:])
        assert found.shape == (200, 3)
        assert ((found[:, 0] > found[:, 1]) == (x[1000:, 0] > 0)).mean() > 0.85


def test_the_ridge_leaves_rows_out_as_refitting_without_them_would() -> None:
    x, quality = rows(30)
    known = ~np.isnan(quality[:, 0])
    x, y = x[known], quality[known, 0]
    squared = ridge._Fit(x, y).errors
    for place in (0, 12, 24):
        penalty, total = ridge.GRID[place], 0.0
        for row in range(len(y)):
            rest = np.arange(len(y)) != row
            mean, level = x[rest].mean(axis=0), y[rest].mean()
            centred = x[rest] - mean
            gram = centred.T @ centred + penalty * np.eye(6)
            theta = np.linalg.solve(gram, centred.T @ (y[rest] - level))
            total += (y[row] - level - (x[row] - mean) @ theta) ** 2
        assert squared[place] == pytest.approx(total, rel=0.05)


@pytest.mark.skipif(find_spec("river") is None, reason="the extra peers is not installed")
def test_every_installed_bandit_beats_chance_on_a_stream(table: Table) -> None:
    stream, leads = Stream(table, 0, warm_rows=20), {}
    for method in online_methods(peers=True):
        setting = next(iter(method.settings.values()))
        leads[method.name] = figures(
            stream, play(method.player(table, 0.3, 1, setting), stream), 0.3
        )["lead"]
    assert OURS in leads
    assert max(leads, key=lambda name: leads[name]) == "oracle"
