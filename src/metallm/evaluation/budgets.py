"""Chooses the cost weight at which a router keeps a budget.

The paper's p is the shadow price of a budget: tuned before, on rows kept for that, then frozen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

COST_WEIGHTS = (0.0, *(2.0 ** (half / 2) for half in range(-14, 7)), 32.0, 128.0, 512.0, 2048.0)
"""0, from 1/128 to 8 by √2, then coarsely on: where prices span orders of magnitude, two cheap
models differ by a thousandth of the dearest's cost, and only a p of hundreds tells them apart."""

ROUNDING = 1e-9
"""Relative excess that is no overspending: sums of the same costs in another order differ."""


@dataclass(frozen=True, slots=True)
class Point:
    """Means over rows.

    Args:
        cost_usd: USD per query.
        quality: 0 to 1.
    """

    cost_usd: float
    quality: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """A cost weight and what it came to on the rows it was tuned on.

    Args:
        cost_weight: p.
        point: means over these rows at p.
        met: whether the cost is within the budget; False where every p overspends.
    """

    cost_weight: float
    point: Point
    met: bool


def meets(cost_usd: float, budget_usd: float) -> bool:
    """Whether a cost is within a budget, rounding apart."""
    return cost_usd <= budget_usd * (1.0 + ROUNDING)


def tune(points: Mapping[float, Point], budget_usd: float) -> Tuned:
    """The p of the highest quality within the budget; where every p overspends, the cheapest.

    Of equally good ones the cheaper wins. All values are looked at, for the cost need not fall
    with p: a router that learns online from nothing may tour dear arms at a large p.

    Args:
        points: what each p came to, at least one.
        budget_usd: USD per query.

    Raises:
        InputError: no points.
    """
    if not points:
        raise InputError("a budget is tuned over one cost weight or more")
    within = {p: point for p, point in points.items() if meets(point.cost_usd, budget_usd)}
    if not within:
        p = min(points, key=lambda each: (points[each].cost_usd, -points[each].quality))
        return Tuned(p, points[p], met=False)
    p = min(within, key=lambda each: (-within[each].quality, within[each].cost_usd))
    return Tuned(p, within[p], met=True)
