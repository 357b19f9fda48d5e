"""The reward: quality − p · cost, with the dearest arm's mean cost as the unit of cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


def expected_rewards(
    quality: FloatArray, cost_usd: FloatArray, *, cost_weight: float, cost_scale: float
) -> FloatArray:
    """Expected rewards, r = q − p · c / scale (the paper's Eq. 4, with an estimated cost).

    Args:
        quality: shape (n, K).
        cost_usd: shape (n, K), USD; NaN where unknown counts as the dearest in its row, and as
            `cost_scale` at the least: an unknown price is never taken for a low one.
        cost_weight: p, 0 and up.
        cost_scale: USD that count as 1; 0 or less where no arm costs anything.
    """
    if cost_scale <= 0.0 or cost_weight == 0.0:
        return np.array(quality, dtype=np.float64)
    unknown = np.isnan(cost_usd)
    if unknown.any():
        dearest = np.max(np.where(unknown, cost_scale, cost_usd), axis=-1, keepdims=True)
        cost_usd = np.where(unknown, dearest, cost_usd)
    return quality - cost_weight * cost_usd / cost_scale
