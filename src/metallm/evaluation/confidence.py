"""Whether a classifier's confidence is worth what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same confidence.

    Args:
        low: confidence at the lower end, which belongs to the bin.
        high: at the upper end, which belongs to the next, but for the last.
        n: answers.
        confidence: their mean confidence; NaN where there are none.
        accuracy: the share that was right; NaN where there are none.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence is from the share that was right.

    Args:
        expected_error: mean |accuracy − confidence| of the bins, weighted by their answers (ECE).
        brier: mean (confidence − right)², where right is 0 or 1.
        bins: `BINS` of equal width over 0 to 1.
    """

    expected_error: float
    brier: float
    bins: tuple[Bin, ...]


def calibration(confidence: Sequence[float] | FloatArray, right: NDArray[np.bool_]) -> Calibration:
    """Hold confidence against what was right.

    Note:
        The expected error depends on the bins and is biased upwards for few answers: with 100 of
        them a perfect confidence shows some .05 to .1. The Brier score has neither fault, and no
        zero to be held against.

    Args:
        confidence: shape (n,), 0 to 1, the chance that the answer given is right.
        right: shape (n,).

    Raises:
        InputError: no answers, another shape, or a confidence outside 0 to 1.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, eq. 3; Brier 1950.
    """
    sure = np.asarray(confidence, dtype=np.float64)
    if sure.shape != right.shape or sure.ndim != 1 or not len(sure):
        raise InputError(
            f"each answer needs a confidence: {sure.shape} of them for {right.shape} answers"
        )
    outside = ~((sure >= 0.0) & (sure <= 1.0))
    if outside.any():
        row = int(outside.argmax())
        raise InputError(f"confidence[{row}] must be from 0 to 1, not {sure[row]!r}")
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    n = np.bincount(place, minlength=BINS)
    with np.errstate(invalid="ignore"):  # 0 / 0: an empty bin has no mean
        mean = np.bincount(place, sure, BINS) / n
        share = np.bincount(place, right, BINS) / n
    gaps = np.where(n > 0, np.abs(share - mean), 0.0)
    bins = tuple(
        Bin(each / BINS, (each + 1) / BINS, int(n[each]), float(mean[each]), float(share[each]))
        for each in range(BINS)
    )
    return Calibration(float(gaps @ n / n.sum()), float(np.mean((sure - right) ** 2)), bins)
