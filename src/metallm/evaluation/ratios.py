"""A ratio of two sums over repetitions, with its interval.

A share of a gain is such a ratio. The mean of the repetitions' own ratios would be ruled by those
whose gain happens to be near 0; the ratio of sums is not, and the jackknife tells its spread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError
from metallm.evaluation.intervals import CONFIDENCE, Interval, student_t_quantile

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


def ratio_interval(part: FloatArray, whole: FloatArray) -> Interval:
    """Σ part / Σ whole over repetitions, with its 95 % interval.

    Args:
        part: shape (n,), one a repetition.
        whole: shape (n,).

    Raises:
        InputError: no values, other shapes, values that are not finite, or a whole of 0.

    Source: Quenouille 1956 and Tukey 1958, the delete-one jackknife.
    """
    if part.ndim != 1 or part.shape != whole.shape or not len(part):
        raise InputError(f"a ratio needs two equally long rows, not {part.shape}, {whole.shape}")
    total = float(whole.sum())
    if not (np.isfinite(part).all() and np.isfinite(whole).all()) or total == 0.0:
        raise InputError("a ratio needs finite values and a whole that is not 0")
    ratio, n = float(part.sum()) / total, len(part)
    without = whole.sum() - whole
    if n == 1 or (without == 0.0).any():
        return Interval(ratio, float("nan"), float("nan"), n)
    left_out = (part.sum() - part) / without
    spread = math.sqrt((n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum()))
    half = student_t_quantile((1.0 + CONFIDENCE) / 2.0, n - 1) * spread
    return Interval(ratio, ratio - half, ratio + half, n)
