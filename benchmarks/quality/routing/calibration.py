"""Whether estimates of quality can be taken at their word, and their standard errors too.

    ECE = Σ_b n_b / n · |mean estimate − mean recorded quality| over 10 bins of equal width

Source: Naeini et al. 2015 (AAAI), section 2; Brier 1950 for the mean squared error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.cells import lloyd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from routing.split import Estimates, Split

BINS = 10
"""Of estimated quality, clipped to 0 and 1."""

ROWS_PER_CELL = 50
"""Rows to decide that a cell of queries takes, on the mean."""

LEAST_IN_CELL = 20
"""Outcomes of an arm in a cell for their mean to be held against the estimates'."""

PRIOR_OUTCOMES = 5.0
"""Outcomes that an arm's residual variance counts for in a cell's: all may be right by luck."""

QUANTILE = 1.96
"""Standard errors about a mean that should hold 95 % of what is measured."""


def calibration_figures(split: Split, estimates: Estimates) -> dict[str, Any]:
    """How far a method's estimates are off the recorded qualities of the rows decided.

    Args:
        split: which rows were decided.
        estimates: of all of them.
    """
    recorded = split.decided.quality
    known = ~np.isnan(recorded)
    believed = np.clip(estimates.quality, 0.0, 1.0)
    means = np.broadcast_to(np.nanmean(split.learned.quality, axis=0), recorded.shape)
    bins = reliability(believed[known], recorded[known])
    found: dict[str, Any] = {
        "ece": calibration_error(bins),
        "brier": _squares(believed[known], recorded[known]),
        "brier_means": _squares(means[known], recorded[known]),
        "bins": bins.round(6).tolist(),
    }
    if estimates.error is not None:
        found |= _coverage(split, estimates.quality, estimates.error)
    return found


def reliability(believed: FloatArray, recorded: FloatArray) -> FloatArray:
    """What each bin of estimates holds, shape (BINS, 3): pairs, mean estimate, mean recorded.

    Args:
        believed: shape (n,), estimates from 0 to 1.
        recorded: shape (n,).
    """
    place = np.minimum((believed * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS).astype(np.float64)
    sums = [np.bincount(place, values, BINS) for values in (believed, recorded)]
    return np.column_stack([count, *(each / np.maximum(count, 1.0) for each in sums)])


def calibration_error(bins: FloatArray) -> float:
    """The expected calibration error of what `reliability` gives."""
    count, believed, recorded = bins.T
    return float((count * np.abs(believed - recorded)).sum() / count.sum())


def _squares(believed: FloatArray, recorded: FloatArray) -> float:
    return float(((believed - recorded) ** 2).mean())


def _coverage(split: Split, quality: FloatArray, error: FloatArray) -> dict[str, Any]:
    """The share of cells' means within 1.96 standard errors of the estimates' mean.

    One outcome cannot tell whether an expectation was right; the mean of an arm's outcomes over
    like queries can. Cells are cut by contexts alone. `covered` allows for the luck of the rows
    and for the learner's errors, which are taken to be the same throughout a cell, for like
    queries share what is not known of them; `covered_by_luck` allows for the luck of the rows.
    """
    residual = split.decided.quality - quality
    pooled = np.nanvar(residual, axis=0)
    by_both, by_luck = [], []
    for rows in cells_of(split.contexts[1], split.shuffle):
        for arm, variance in enumerate(pooled.tolist()):
            seen = ~np.isnan(residual[rows, arm])
            off, n = residual[rows, arm][seen], int(seen.sum())
            if n < LEAST_IN_CELL:
                continue
            spread = (off.var() * n + variance * PRIOR_OUTCOMES) / (n + PRIOR_OUTCOMES)
            luck, learner = spread / (n - 1), error[rows, arm][seen].mean() ** 2
            by_luck.append(abs(off.mean()) <= QUANTILE * np.sqrt(luck))
            by_both.append(abs(off.mean()) <= QUANTILE * np.sqrt(luck + learner))
    if not by_both:
        return {}
    return {"covered": float(np.mean(by_both)), "covered_by_luck": float(np.mean(by_luck))}


def cells_of(contexts: FloatArray, seed: int) -> list[NDArray[np.intp]]:
    """Rows that are alike, by k-means of their contexts.

    Args:
        contexts: shape (m, d).
        seed: of the first centres.
    """
    count = max(len(contexts) // ROWS_PER_CELL, 1)
    centres = lloyd(contexts, count, np.random.default_rng(seed))
    squares = (centres * centres).sum(axis=1) - 2.0 * contexts @ centres.T
    nearest = squares.argmin(axis=1)
    return [np.flatnonzero(nearest == cell) for cell in range(count)]
