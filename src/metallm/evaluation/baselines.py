"""What stands beside every router: the single models, blind mixtures, and the oracle.

The best single model is chosen with hindsight on the rows that it is judged on, which makes it a
stronger opponent than anyone could deploy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError
from metallm.evaluation.frontier import hull, single_models

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.evaluation.panel import Panel

BEST = "best single"
BEST_BY_QUALITY = "best single by quality"
CHEAPEST = "cheapest"
RANDOM = "random"
MIX = "cost-matched mix"
ORACLE = "oracle"

NAMES = (BEST, BEST_BY_QUALITY, CHEAPEST, RANDOM, MIX, ORACLE)
"""In the order of reports."""


@dataclass(frozen=True, slots=True)
class Performance:
    """Means over rows.

    Args:
        quality: mean quality, 0 to 1 (the accuracy, where scores are 0 or 1).
        cost_usd: mean USD per query.
        reward: mean of quality − p · cost / scale.
        regret: mean of the row's best reward minus the one obtained.
        model: the model that was always asked, where there is one.
    """

    quality: float
    cost_usd: float
    reward: float
    regret: float
    model: str | None = None


def measure(
    panel: Panel,
    chosen: NDArray[np.intp],
    *,
    cost_weight: float,
    cost_scale: float | None = None,
    model: str | None = None,
) -> Performance:
    """What one choice a row obtained.

    Args:
        panel: n rows.
        chosen: shape (n,), the column chosen for each row.
        cost_weight: p, 0 and up.
        cost_scale: USD that count as a cost of 1; default: the panel's own.
        model: noted in the answer.

    Raises:
        InputError: a chosen model has no recorded answer in its row.
    """
    rows = np.arange(len(panel.rows))
    quality = panel.quality[rows, chosen]
    if np.isnan(quality).any():
        row = int(np.flatnonzero(np.isnan(quality))[0])
        raise InputError(
            f"{panel.models[chosen[row]]!r} has no recorded answer in row {panel.rows[row]}: "
            "choose among the recorded models only"
        )
    reward = panel.reward(cost_weight, cost_scale)
    obtained = reward[rows, chosen]
    return Performance(
        float(quality.mean()),
        float(panel.cost_usd[rows, chosen].mean()),
        float(obtained.mean()),
        float((np.nanmax(reward, axis=1) - obtained).mean()),
        model,
    )


def baselines(
    panel: Panel,
    *,
    cost_weight: float,
    cost_scale: float | None = None,
    mix_cost_usd: float | None = None,
) -> dict[str, Performance]:
    """Every baseline on the same rows, by the names in `NAMES`.

    A single model is judged on the rows that it has; its regret too. Of equals the cheaper wins.

    Args:
        panel: n rows and K models.
        cost_weight: p, 0 and up.
        cost_scale: USD that count as a cost of 1; default: the dearest model's mean cost here.
        mix_cost_usd: the router's mean USD per query, which the mix may spend too; without it
            there is no mix in the answer.
    """
    scale = panel.cost_scale if cost_scale is None else cost_scale
    reward = panel.reward(cost_weight, scale)
    costs, qualities = single_models(panel)
    best = {
        BEST: np.lexsort((costs, -np.nanmean(reward, axis=0)))[0],
        BEST_BY_QUALITY: np.lexsort((costs, -qualities))[0],
        CHEAPEST: np.lexsort((-qualities, costs))[0],
    }
    found = {name: _single(panel, int(arm), reward) for name, arm in best.items()}
    found[RANDOM] = _random(panel, reward)
    if mix_cost_usd is not None:
        found[MIX] = _mix(panel, reward, mix_cost_usd, cost_weight / scale if scale > 0 else 0.0)
    chosen = np.nanargmax(reward, axis=1)
    found[ORACLE] = measure(panel, chosen, cost_weight=cost_weight, cost_scale=scale)
    return found


def _single(panel: Panel, arm: int, reward: FloatArray) -> Performance:
    known = panel.known[:, arm]
    regret = np.nanmax(reward[known], axis=1) - reward[known, arm]
    return Performance(
        float(panel.quality[known, arm].mean()),
        float(panel.cost_usd[known, arm].mean()),
        float(reward[known, arm].mean()),
        float(regret.mean()),
        panel.models[arm],
    )


def _random(panel: Panel, reward: FloatArray) -> Performance:
    """The expectation of a uniform choice among the models that each row has."""
    quality, cost_usd, mean_reward = (
        float(np.nanmean(values, axis=1).mean())
        for values in (panel.quality, panel.cost_usd, reward)
    )
    return Performance(quality, cost_usd, mean_reward, _best_reward(reward) - mean_reward)


def _mix(panel: Panel, reward: FloatArray, cost_usd: float, per_usd: float) -> Performance:
    """The best blind mix of single models for this much money.

    Where the cheapest model costs more than that, it is the mix; what gains nothing is not spent.
    """
    zero = hull(*single_models(panel))
    spent = float(np.clip(cost_usd, zero.cost_usd[0], zero.cost_usd[-1]))
    quality = zero.quality_at(spent)
    mixed = quality - per_usd * spent
    return Performance(quality, spent, mixed, _best_reward(reward) - mixed)


def _best_reward(reward: FloatArray) -> float:
    return float(np.nanmax(reward, axis=1).mean())
