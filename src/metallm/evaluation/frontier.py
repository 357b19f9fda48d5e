"""What quality can be had for what cost: the frontier, its height, and how far a router gets.

A router has a setting (the cost weight) and so is not one point but many: one (mean cost, mean
quality) for each setting. Two settings can be mixed by chance, which reaches every point on the
line between them; hence the hull. Its height is compared with two others: what mixing the single
models gives without looking at the query (the zero router), and what knowing each answer
beforehand would give (the oracle).

Source: AIQ, the zero router and the non-decreasing hull are RouterBench's (arXiv 2403.12031).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metallm.core.arrays import FloatArray
    from metallm.evaluation.panel import Panel

LEVELS = (1.0, 0.99, 0.95)
"""Shares of the best single model's quality at which savings are told."""

_TOLERANCE = 1e-9  # relative: means of the same numbers summed in another order differ by less


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """A non-decreasing concave curve of quality over cost, flat after its last vertex.

    Args:
        cost_usd: shape (m,), strictly increasing, mean USD per query.
        quality: shape (m,), strictly increasing, mean quality.
    """

    cost_usd: FloatArray
    quality: FloatArray

    def quality_at(self, cost_usd: float) -> float:
        """The most mean quality to be had for a mean cost (USD per query).

        NaN below the first vertex: nothing can be had for less.
        """
        if cost_usd < self.cost_usd[0] * (1 - _TOLERANCE):
            return float("nan")
        return float(np.interp(cost_usd, self.cost_usd, self.quality))

    def cost_to_reach(self, quality: float) -> float:
        """The least mean cost (USD per query) that reaches a mean quality; NaN if none does."""
        if quality > self.quality[-1] * (1 + _TOLERANCE):
            return float("nan")
        return float(np.interp(quality, self.quality, self.cost_usd))

    def mean_height(self, low: float, high: float) -> float:
        """AIQ: the mean quality over a range of costs, exactly (the curve is piecewise linear).

        Args:
            low: USD per query, at or above the first vertex.
            high: USD per query, at or above `low`.

        Raises:
            InputError: the range is turned round or begins below the first vertex.
        """
        if not low <= high or np.isnan(self.quality_at(low)):
            raise InputError(
                f"no mean height over [{low}, {high}] USD: the frontier begins at "
                f"{self.cost_usd[0]} USD"
            )
        if high <= low:
            return self.quality_at(low)
        inside = self.cost_usd[(self.cost_usd > low) & (self.cost_usd < high)]
        costs = np.concatenate(([low], inside, [high]))
        heights = np.interp(costs, self.cost_usd, self.quality)
        return float(np.trapezoid(heights, costs) / (high - low))


def hull(cost_usd: FloatArray, quality: FloatArray) -> Frontier:
    """The non-decreasing upper concave hull of points.

    Args:
        cost_usd: shape (m,), mean USD per query of each point.
        quality: shape (m,), mean quality of each point.

    Raises:
        InputError: no points, other shapes, or a value that is not finite.
    """
    if cost_usd.ndim != 1 or cost_usd.shape != quality.shape or not len(cost_usd):
        raise InputError(
            f"a frontier needs one cost and one quality a point, not shapes {cost_usd.shape} "
            f"and {quality.shape}"
        )
    if not (np.isfinite(cost_usd).all() and np.isfinite(quality).all()):
        raise InputError("a frontier's costs and qualities must be finite numbers")
    vertices = np.array(_upper_chain(zip(cost_usd.tolist(), quality.tolist(), strict=True)))
    return Frontier(vertices[:, 0], vertices[:, 1])


def _upper_chain(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Vertices of the hull, from cheap to dear, each better than the one before it."""
    chain: list[tuple[float, float]] = []
    for cost, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if chain and quality <= chain[-1][1]:
            continue  # as dear or dearer, and no better
        while len(chain) > 1:
            (c0, q0), (c1, q1) = chain[-2:]
            if (q1 - q0) * (cost - c1) > (quality - q1) * (c1 - c0):
                break  # the slope falls: the last vertex stands above the line past it
            chain.pop()
        chain.append((cost, quality))
    return chain


def single_models(panel: Panel) -> tuple[FloatArray, FloatArray]:
    """Mean cost and mean quality of each model over the rows it has, each of shape (K,)."""
    return np.nanmean(panel.cost_usd, axis=0), np.nanmean(panel.quality, axis=0)


def zero_frontier(panel: Panel) -> Frontier:
    """The zero router: the hull of the single models, reached by mixing them blindly."""
    return hull(*single_models(panel))


def oracle_frontier(panel: Panel) -> Frontier:
    """The frontier of the router that knows each query's outcomes beforehand.

    Exact, not sampled at some trade-offs: each query has its own hull, and the hull of a mean is
    the mean of the hulls, that is all their edges in order of falling slope.

    Note:
        It is inflated by luck: a weak model that guessed right counts as one that knew.
    """
    start, edges = np.zeros(2), []
    for costs, qualities in zip(panel.cost_usd, panel.quality, strict=True):
        known = ~np.isnan(qualities)
        points = zip(costs[known].tolist(), qualities[known].tolist(), strict=True)
        chain = _upper_chain(points)
        start += chain[0]
        edges += [(c1 - c0, q1 - q0) for (c0, q0), (c1, q1) in pairwise(chain)]
    edges.sort(key=lambda edge: edge[0] / edge[1])
    steps = np.array([tuple(start), *edges])
    vertices = np.cumsum(steps, axis=0) / len(panel.rows)
    # edges of equal slope make vertices on a line, which the hull takes out
    return hull(vertices[:, 0], vertices[:, 1])


@dataclass(frozen=True, slots=True)
class Standing:
    """How a router's frontier compares.

    Args:
        aiq: mean height of the router's frontier over [cheapest, dearest single model].
        aiq_zero: that of the zero router.
        aiq_oracle: that of the oracle.
        gap_closed: (aiq − aiq_zero) / (aiq_oracle − aiq_zero); NaN where the two coincide.
        savings: for each level, 1 − (least cost that reaches level × the best single model's
            quality) / (that model's cost); negative where it costs more, NaN where the router
            never gets there.
        zero_savings: the same for the zero router.
    """

    aiq: float
    aiq_zero: float
    aiq_oracle: float
    gap_closed: float
    savings: Mapping[float, float]
    zero_savings: Mapping[float, float]


def standing(
    panel: Panel,
    cost_usd: FloatArray,
    quality: FloatArray,
    *,
    levels: Sequence[float] = LEVELS,
) -> Standing:
    """Compare a router's points with the zero router and the oracle on the same rows.

    The cheapest single model is added to the router's points: every router can be told to name
    it, and without it the frontier would not reach down to where the comparison begins.

    Args:
        panel: the rows that the points were measured on.
        cost_usd: shape (m,), mean USD per query at each of the router's settings.
        quality: shape (m,), mean quality at each.
        levels: shares of the best single model's quality.

    Raises:
        InputError: as `hull`.
    """
    model_costs, model_qualities = single_models(panel)
    # among equally cheap models the best one
    cheapest = np.lexsort((-model_qualities, model_costs))[0]
    router = hull(
        np.append(cost_usd, model_costs[cheapest]), np.append(quality, model_qualities[cheapest])
    )
    zero, oracle = hull(model_costs, model_qualities), oracle_frontier(panel)
    # where answers are missing, the cheapest model's own rows may be cheaper than the oracle's
    low = max(float(model_costs[cheapest]), float(oracle.cost_usd[0]))
    high = max(low, float(model_costs.max()))
    aiq, aiq_zero, aiq_oracle = (each.mean_height(low, high) for each in (router, zero, oracle))
    attainable = aiq_oracle - aiq_zero
    closed = (aiq - aiq_zero) / attainable if attainable > 1e-12 else float("nan")
    return Standing(
        aiq,
        aiq_zero,
        aiq_oracle,
        closed,
        savings(router, panel, levels=levels),
        savings(zero, panel, levels=levels),
    )


def savings(
    frontier: Frontier, panel: Panel, *, levels: Sequence[float] = LEVELS
) -> dict[float, float]:
    """What a frontier saves at shares of the best single model's quality.

    Args:
        frontier: of the router.
        panel: the rows that it was measured on; of equally good models the cheapest is meant.
        levels: shares of the best single model's quality, such as .99.

    Returns:
        For each level 1 − cost / (the best single model's cost); NaN where the frontier stays
        below the level, or where the best single model is free.
    """
    costs, qualities = single_models(panel)
    best = np.lexsort((costs, -qualities))[0]
    full = float(costs[best])
    if full <= 0.0:
        return dict.fromkeys(levels, float("nan"))
    return {
        level: 1.0 - frontier.cost_to_reach(level * float(qualities[best])) / full
        for level in levels
    }
