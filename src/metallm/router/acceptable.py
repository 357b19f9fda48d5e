"""Which arms may be good enough for a query: those that a least quality leaves in the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


def acceptable(quality: FloatArray, uncertainty: FloatArray, least: float) -> list[int]:
    """Places of the arms that may reach a quality on one query; of the best where none does.

    An arm is left out once it is believed below by more than its standard error: one of which
    little is known is tried still, or nothing would ever be learned of it.

    Args:
        quality: shape (K,), expected.
        uncertainty: shape (K,), standard errors.
        least: 0 to 1.
    """
    hoped = quality + uncertainty
    reaching = np.flatnonzero(hoped >= least).tolist()
    return reaching or [int(hoped.argmax())]
