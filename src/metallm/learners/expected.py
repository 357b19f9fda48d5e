"""What arms are expected to be worth before their own outcomes say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.arrays import FloatArray

PRIOR_WEIGHT = 10.0
"""Outcomes that an expectation of one arm, such as a published score, counts for."""

SETTLED = 300
"""Outcomes from which on an arm that joined late is no newcomer any more."""

NONE = -1.0
"""In a saved state: nothing was expected of this arm by itself."""


class Expectations:
    """Mean qualities that were expected of single arms: told, or of arms that joined late.

    Args:
        told: what was told of some arms, 0 to 1, such as a published score.
    """

    def __init__(self, told: Mapping[str, float]) -> None:
        self._told = dict(told)
        self._newcomers: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._told or self._newcomers)

    def join(self, arm: str, quality: float) -> None:
        """Keep what is expected of an arm that joins others; what was told of it goes before."""
        self._newcomers[arm] = quality

    def settle(self, arms: Sequence[str], outcomes: FloatArray) -> None:
        """Forget the newcomers that have outcomes enough by now.

        Args:
            arms: K names.
            outcomes: of each, shape (K,).
        """
        tried = dict(zip(arms, outcomes.tolist(), strict=True))
        kept = self._newcomers.items()
        self._newcomers = {arm: quality for arm, quality in kept if tried[arm] < SETTLED}

    def moves(
        self, arms: Sequence[str], known: tuple[FloatArray, FloatArray], unseen: float | None
    ) -> FloatArray:
        """How far estimates go towards what is expected of arms with few outcomes, shape (K,).

        Args:
            arms: K names.
            known: of each arm its outcomes and their mean, shape (K,) each.
            unseen: what is expected of an arm without outcomes of which nothing was told.
        """
        moves = np.zeros(len(arms))
        by_arm = zip(arms, known[0].tolist(), known[1].tolist(), strict=True)
        for column, (arm, n, mean) in enumerate(by_arm):
            told = self._told.get(arm)
            hoped = self._newcomers.get(arm, unseen if n == 0.0 else None)
            if told is not None:
                gap = told - mean
            elif hoped is not None:
                gap = max(hoped - mean, 0.0)  # a hope holds no arm down that turns out better
            else:
                continue
            moves[column] = PRIOR_WEIGHT / (PRIOR_WEIGHT + n) * gap
        return moves

    def state(self, arms: Sequence[str]) -> FloatArray:
        """What is expected of each arm that joined late, shape (K,)."""
        return np.array([self._newcomers.get(arm, NONE) for arm in arms], dtype=np.float64)

    def load(self, arms: Sequence[str], state: FloatArray) -> None:
        """Go on from a saved state."""
        kept = zip(arms, state.tolist(), strict=True)
        self._newcomers = {arm: quality for arm, quality in kept if quality != NONE}
