"""contextualbandits' LinUCB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from contextualbandits.online import LinUCB

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class ContextualbanditsPlayer:
    """`LinUCB` with its Sherman and Morrison updates."""

    def __init__(self, arms: int, dim: int) -> None:
        del dim
        self._bandit = LinUCB(nchoices=arms, fit_intercept=False, method="sm", random_state=1)

    def decide(self, context: FloatArray) -> int:
        """The arm with the highest upper bound."""
        return int(self._bandit.predict(context[None])[0])

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """One row."""
        self._bandit.partial_fit(context[None], np.array([arm]), np.array([quality]))


make = ContextualbanditsPlayer
