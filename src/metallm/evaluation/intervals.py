"""How sure a figure is: intervals for means, paired differences and shares.

Written out here because a statistics package would be the heaviest thing to install, for three
short formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and how far it may be off, in the unit of what was measured.

    Args:
        mean: the mean.
        low: lower end; NaN where nothing tells the spread.
        high: upper end; NaN where nothing tells the spread.
        n: how many values (or pairs, or trials) it rests on.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """What stands after ±."""
        return (self.high - self.low) / 2.0


def student_t_quantile(probability: float, degrees: int) -> float:
    """The t below which Student's distribution holds a probability.

    Solved by bisection over the angle atan(t/√ν), in which the distribution is a finite sum.

    Args:
        probability: between .5 and 1.
        degrees: degrees of freedom ν, 1 and up.

    Raises:
        InputError: a probability or degrees outside these bounds.
    """
    if not 0.5 <= probability < 1.0 or degrees < 1:
        raise InputError(f"no t quantile at {probability} with {degrees} degrees of freedom")
    two_sided = 2.0 * probability - 1.0
    low, high = 0.0, math.pi / 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if _within(middle, degrees) < two_sided:
            low = middle
        else:
            high = middle
    return math.tan((low + high) / 2.0) * math.sqrt(degrees)


def _within(theta: float, degrees: int) -> float:
    """P(|T| < √ν · tan θ).

    Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    cosine, odd = math.cos(theta), degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    if odd:
        return 2.0 / math.pi * (theta + math.sin(theta) * total)
    return math.sin(theta) * total


def mean_interval(values: Sequence[float] | FloatArray) -> Interval:
    """The mean over independent repetitions (seeds, shuffles) with its 95 % t interval.

    Note:
        Shuffles of one set of rows share these rows, so the interval tells the spread between
        shuffles; how far another set of queries would differ is not in it.

    Args:
        values: one a repetition; a single one has a mean and no interval.

    Raises:
        InputError: no values, or one that is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    n = len(numbers)
    if not n or not np.isfinite(numbers).all():
        raise InputError("a mean needs at least one value, and all of them finite")
    mean = float(numbers.mean())
    if n == 1:
        return Interval(mean, float("nan"), float("nan"), 1)
    t = student_t_quantile((1.0 + CONFIDENCE) / 2.0, n - 1)
    half = t * float(numbers.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


def paired_difference(
    first: FloatArray,
    second: FloatArray,
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
) -> Interval:
    """The mean of first − second over the same rows, with a 95 % percentile bootstrap.

    Pairing takes out what makes a query easy or hard for both, and so sees smaller differences
    than two separate intervals.

    Args:
        first: shape (n,), such as the rewards of one policy.
        second: shape (n,), those of another on the same rows.
        rng: draws the resamples.
        resamples: how many.

    Raises:
        InputError: the shapes differ, there are no rows, or a value is not finite.
    """
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise InputError(f"pairs need two equally long rows, not {first.shape} and {second.shape}")
    differences = first - second
    if not np.isfinite(differences).all():
        raise InputError("paired values must be finite: drop the rows that lack one")
    n = len(differences)
    # one resample at a time: n · resamples indices at once would not fit for long streams
    means = [differences[rng.integers(n, size=n)].mean() for _ in range(resamples)]
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(float(differences.mean()), float(low), float(high), n)


def wilson_interval(successes: float, n: int) -> Interval:
    """An accuracy with its 95 % score interval, which stays within [0, 1] and holds for few rows.

    Args:
        successes: right answers; fractions count too, which makes the interval a little wide.
        n: answers.

    Raises:
        InputError: no answers, or more right ones than there are.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.
    """
    if n < 1 or not 0.0 <= successes <= n:
        raise InputError(f"{successes} right of {n} answers is no accuracy")
    z = NormalDist().inv_cdf((1.0 + CONFIDENCE) / 2.0)
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half), n)
