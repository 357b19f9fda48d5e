"""What greedy choices come to at many cost weights, from one set of estimates.

A router that is swept without feedback estimates each query once; only the trade-off differs.

Source: RouterBench (arXiv 2403.12031), section 4: argmax of predicted quality minus a willingness
to pay times the predicted cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.reward import expected_rewards
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.evaluation.panel import Panel


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Mean cost and quality at each of m cost weights.

    Args:
        cost_usd: shape (m,), mean USD per query.
        quality: shape (m,).
    """

    cost_usd: FloatArray
    quality: FloatArray


def greedy_choices(
    panel: Panel,
    quality: FloatArray,
    cost_usd: FloatArray,
    *,
    cost_weight: float,
    cost_scale: float,
) -> NDArray[np.intp]:
    """The column with the highest expected reward among the recorded models of each row.

    Args:
        panel: n rows and K models.
        quality: estimates, shape (n, K).
        cost_usd: estimates, shape (n, K), USD; NaN counts as dear, as for a router.
        cost_weight: p, 0 and up.
        cost_scale: USD that count as a cost of 1.

    Raises:
        InputError: the shapes differ from the panel's, or a quality is NaN.
    """
    if not panel.quality.shape == quality.shape == cost_usd.shape or np.isnan(quality).any():
        raise InputError(
            f"estimates of shapes {quality.shape} and {cost_usd.shape} must cover the panel's "
            f"{panel.quality.shape}, and no quality may be NaN"
        )
    reward = expected_rewards(quality, cost_usd, cost_weight=cost_weight, cost_scale=cost_scale)
    chosen: NDArray[np.intp] = np.where(panel.known, reward, -np.inf).argmax(axis=1)
    return chosen


def greedy_points(
    panel: Panel,
    quality: FloatArray,
    cost_usd: FloatArray,
    *,
    cost_weights: Sequence[float],
    cost_scale: float,
) -> Points:
    """Mean cost and quality of the greedy choices at each cost weight.

    Args and errors as `greedy_choices`; `cost_weights` are m values of p.
    """
    rows = np.arange(len(panel.rows))
    costs, qualities = [], []
    for p in cost_weights:
        chosen = greedy_choices(panel, quality, cost_usd, cost_weight=p, cost_scale=cost_scale)
        costs.append(panel.cost_usd[rows, chosen].mean())
        qualities.append(panel.quality[rows, chosen].mean())
    return Points(np.array(costs), np.array(qualities))
