"""Thompson sampling with exact propensities (Thompson 1933; Chapelle and Li 2011).

Each arm's reward is drawn from Normal(reward, uncertainty) and the arm with the largest draw is
chosen. Drawing hides how likely the choice was; here the probability itself is computed, and the
arm is drawn from it:

    p_a = ∫ φ_a(t) ∏_{b≠a} Φ_b(t) dt

by Gauss and Legendre's rule on panels between the points r_b + c s_b of all arms b. Every arm puts
its own points, so an arm whose reward is known a million times better than another's is still
resolved. For two arms it is Φ((r₁ − r₂) / √(s₁² + s₂²)), which a test holds it against.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metallm.policies.normal import REACH, phi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import View

    BoolArray = NDArray[np.bool_]

CUTS = np.array([-REACH, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, REACH])
"""Ends of an arm's panels, in its standard errors."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(5)
"""Points in a panel, −1 to 1, and what each counts for."""

CERTAIN = 1e-7
"""An uncertainty below this share of its row's largest counts as 0: its Φ is a step."""

CELLS = 400_000
"""Arms times points that are held at a time; a batch is cut into pieces of this size."""


class ThompsonPolicy:
    """Each arm with the probability that its reward is the largest.

    Args:
        scale: factor on the standard errors, above 0; 1 is Thompson's.
    """

    name = "thompson"

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K)."""
        points = len(arms) * (len(CUTS) - 1) * len(NODES)
        rows = max(CELLS // (points * len(arms)), 1)
        pieces = [
            chances_to_be_largest(
                view.reward[first : first + rows],
                view.uncertainty[first : first + rows] * self._scale,
            )
            for first in range(0, len(view.reward), rows)
        ]
        return np.concatenate(pieces) if pieces else np.zeros_like(view.reward)


def chances_to_be_largest(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Probability that each of K independent normal numbers is the largest in its row.

    Args:
        mean: shape (n, K).
        spread: standard deviations, shape (n, K), 0 and up. Of several that are certain only
            the largest can win; exact ties among them share.

    Returns:
        Shape (n, K); every row sums to 1.
    """
    # what counts are differences; taken from the largest they keep their digits
    mean = mean - mean.max(axis=1, keepdims=True)
    certain = spread <= CERTAIN * spread.max(axis=1, keepdims=True)
    known = np.where(certain, mean, -np.inf).max(axis=1, keepdims=True)
    width = np.where(certain, 1.0, spread)
    ends = _panels(mean, spread, certain, known)
    chances = _integrals(mean, width, certain, ends)
    # a certain arm wins where all the others fall below it
    steps = np.where(certain & (mean == known), 1.0, 0.0)
    at_known = np.where(certain, 1.0, phi((np.where(certain, 0.0, known) - mean) / width))
    shares = steps / np.maximum(steps.sum(axis=1, keepdims=True), 1.0)
    chances += shares * at_known.prod(axis=1, keepdims=True)
    total: FloatArray = chances / chances.sum(axis=1, keepdims=True)
    return total


def _panels(
    mean: FloatArray, spread: FloatArray, certain: BoolArray, known: FloatArray
) -> FloatArray:
    """Ends of the panels in each row, ascending, shape (n, K · len(CUTS))."""
    ends = (mean[:, :, None] + np.where(certain, 0.0, spread)[:, :, None] * CUTS).reshape(
        len(mean), -1
    )
    # below the highest of the arms' lowest points no draw can be the largest
    lowest = np.maximum((mean - REACH * spread).max(axis=1, keepdims=True), known)
    above: FloatArray = np.maximum(ends, lowest)
    above.sort(axis=1)
    return above


def _integrals(
    mean: FloatArray, width: FloatArray, certain: BoolArray, ends: FloatArray
) -> FloatArray:
    """∫ φ_a ∏_{b≠a} Φ_b over the panels for each uncertain arm a, 0 for others; shape (n, K)."""
    half = np.diff(ends, axis=1)[:, :, None] / 2.0
    middle = (ends[:, :-1, None] + ends[:, 1:, None]) / 2.0
    points = (middle + half * NODES).reshape(len(mean), 1, -1)
    weights = (half * WEIGHTS).reshape(len(mean), 1, -1)
    u = (points - mean[:, :, None]) / width[:, :, None]  # (n, K, points)
    below = np.where(certain[:, :, None], 1.0, phi(u))
    density = np.exp(-0.5 * u * u) * (weights / (width[:, :, None] * math.sqrt(2.0 * math.pi)))
    integrals: FloatArray = (density * _product_of_others(below)).sum(axis=2)
    integrals[certain] = 0.0
    return integrals


def _product_of_others(values: FloatArray) -> FloatArray:
    """∏_{b≠a} of values along axis 1, without a division (some are 0); shape kept."""
    before, after = np.ones_like(values), np.ones_like(values)
    np.cumprod(values[:, :-1], axis=1, out=before[:, 1:])
    np.cumprod(values[:, :0:-1], axis=1, out=after[:, -2::-1])
    others: FloatArray = before * after
    return others
