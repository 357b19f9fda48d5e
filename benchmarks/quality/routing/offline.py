"""Offline figures: one fit, the rows decided at many cost weights, no feedback."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.evaluation.arena import arena_score
from metallm.evaluation.frontier import hull, single_models, standing
from metallm.evaluation.greedy import greedy_points
from metallm.evaluation.strong_weak import call_curve
from routing import baselines
from routing.calibration import calibration_figures

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray
    from metallm.evaluation.greedy import Points
    from routing.split import Estimates, Split
    from routing.table import Table

FIGURES = "2"
"""Bump it when `estimated_figures` has changed: methods that estimate are then fitted anew."""

DEFAULT_COST_WEIGHT = 0.2
"""The router's own default; RouterArena's score is taken there."""

COST_WEIGHTS: tuple[float, ...] = (
    DEFAULT_COST_WEIGHT, 0.0, *np.geomspace(1e-3, 1e3, 60).tolist(),
)  # fmt: skip
"""Fine and wide: prices of models differ by up to a thousand times."""

LEVELS = {1.0: "saving100", 0.99: "saving99", 0.95: "saving95"}
CALL_LEVELS = (0.2, 0.5, 0.8)
CURVE_POINTS = 41


def estimated_figures(split: Split, estimates: Estimates) -> dict[str, Any]:
    """The figures of a method that estimates quality and cost."""
    points = greedy_points(
        split.decided,
        estimates.quality,
        estimates.cost_usd,
        cost_weights=COST_WEIGHTS,
        cost_scale=estimates.cost_scale,
    )
    return {
        **point_figures(split, points),
        **_call_figures(split, estimates.quality),
        **calibration_figures(split, estimates),
    }


def baseline_figures(split: Split, name: str) -> dict[str, Any]:
    """The figures of a baseline of `routing.baselines`."""
    return point_figures(split, baselines.POINTS[name](split, COST_WEIGHTS))


def point_figures(split: Split, points: Points) -> dict[str, Any]:
    """What a frontier comes to.

    Args:
        split: which rows were decided.
        points: the first of them at the default cost weight.
    """
    panel = split.decided
    found = standing(panel, points.cost_usd, points.quality)
    costs, qualities = single_models(panel)
    best = int(np.lexsort((costs, -qualities))[0])
    cheapest = int(np.lexsort((-qualities, costs))[0])
    frontier = hull(
        np.append(points.cost_usd, costs[cheapest]), np.append(points.quality, qualities[cheapest])
    )
    cost, quality = float(points.cost_usd[0]), float(points.quality[0])
    return {
        "gap_closed": _number(found.gap_closed),
        "aiq": found.aiq,
        "aiq_zero": found.aiq_zero,
        "aiq_oracle": found.aiq_oracle,
        **{name: _number(found.savings[level]) for level, name in LEVELS.items()},
        "equal_cost": _number(frontier.quality_at(float(costs[best])) - float(qualities[best])),
        "arena": arena_score(quality, cost),
        "quality": quality,
        "cost_usd": cost,
        "reward": quality - DEFAULT_COST_WEIGHT * cost / (split.table.panel.cost_scale or 1.0),
        "curve": [_number(frontier.quality_at(at)) for at in curve_costs(split.table)],
    }


def curve_costs(table: Table) -> FloatArray:
    """Costs at which frontiers are kept to be drawn, USD per query."""
    costs = single_models(table.panel)[0]
    low = max(float(costs.min()), float(costs.max()) * 1e-4, 1e-12)
    return np.geomspace(low, max(float(costs.max()), low), CURVE_POINTS)


def _call_figures(split: Split, quality: FloatArray) -> dict[str, Any]:
    """APGR and CPT, where there are two models."""
    if quality.shape[1] != 2:
        return {}
    strong = int(np.nanmean(split.learned.quality, axis=0).argmax())
    both = split.decided.known.all(axis=1)
    recorded, believed = split.decided.quality[both], quality[both]
    curve = call_curve(
        recorded[:, strong], recorded[:, 1 - strong], believed[:, strong] - believed[:, 1 - strong]
    )
    if curve is None:
        return {}
    return {
        "apgr": curve.apgr,
        **{f"cpt{round(100 * level)}": curve.cpt(level) for level in CALL_LEVELS},
    }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else float(value)
