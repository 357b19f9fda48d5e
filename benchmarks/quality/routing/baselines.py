"""What stands beside every router offline, as points of cost and quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.evaluation.frontier import single_models
from metallm.evaluation.greedy import Points, greedy_points
from routing.split import Estimates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.core.arrays import FloatArray
    from routing.split import Split

SHRINK = 5.0
"""Outcomes that an arm's overall mean counts for in the mean of a task."""


def task_label(split: Split, shrink: float = SHRINK) -> Estimates:
    """A table of each task's mean quality and cost in the rows to learn from.

    It is told every query's task, which no other row of the benchmark is.
    """
    names = np.array(split.table.recordings.datasets)
    train, test = names[split.train], names[split.test]
    learned = split.learned
    tables = []
    for values in (learned.quality, learned.cost_usd):
        overall = np.nanmean(values, axis=0)
        tables.append({
            task: _shrunk(values[train == task], overall, shrink) for task in np.unique(names)
        })  # fmt: skip
    quality, cost = (np.array([means[task] for task in test]) for means in tables)
    return Estimates(quality, cost, learned.cost_scale)


def _shrunk(values: FloatArray, overall: FloatArray, shrink: float) -> FloatArray:
    known = (~np.isnan(values)).sum(axis=0)
    means: FloatArray = (np.nansum(values, axis=0) + shrink * overall) / (known + shrink)
    return means


def best_single(split: Split, cost_weights: Sequence[float]) -> Points:
    """The best single model by quality on the rows decided, known afterwards."""
    costs, qualities = single_models(split.decided)
    return _one(split, int(np.lexsort((costs, -qualities))[0]), cost_weights)


def cheapest(split: Split, cost_weights: Sequence[float]) -> Points:
    """The cheapest single model."""
    costs, qualities = single_models(split.decided)
    return _one(split, int(np.lexsort((-qualities, costs))[0]), cost_weights)


def random(split: Split, cost_weights: Sequence[float]) -> Points:
    """A uniform choice among the models of each row."""
    panel, count = split.decided, len(cost_weights)
    cost, quality = (
        float(np.nanmean(values, axis=1).mean()) for values in (panel.cost_usd, panel.quality)
    )
    return Points(np.full(count, cost), np.full(count, quality))


def zero(split: Split, cost_weights: Sequence[float]) -> Points:
    """The single models with the best mean reward at each cost weight: their hull is the mix."""
    costs, qualities = single_models(split.decided)
    scale = split.decided.cost_scale or 1.0
    at = [int((qualities - p * costs / scale).argmax()) for p in cost_weights]
    # all vertices count, those between two cost weights too
    return Points(np.append(costs[at], costs), np.append(qualities[at], qualities))


def oracle(split: Split, cost_weights: Sequence[float]) -> Points:
    """The best model of each row, known beforehand; flattered by lucky answers."""
    panel = split.decided
    return greedy_points(
        panel,
        np.nan_to_num(panel.quality, nan=-1.0),
        panel.cost_usd,
        cost_weights=cost_weights,
        cost_scale=panel.cost_scale,
    )


def _one(split: Split, model: int, cost_weights: Sequence[float]) -> Points:
    costs, qualities = single_models(split.decided)
    count = len(cost_weights)
    return Points(np.full(count, costs[model]), np.full(count, qualities[model]))


POINTS: dict[str, Callable[[Split, Sequence[float]], Points]] = {
    "best single": best_single,
    "random": random,
    "cheapest": cheapest,
    "cost-matched mix": zero,
    "oracle": oracle,
}
