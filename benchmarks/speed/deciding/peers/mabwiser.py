"""MABWiser's LinUCB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class MabwiserPlayer:
    """`MAB` with contexts; it wants to be fitted once before it predicts."""

    def __init__(self, arms: int, dim: int) -> None:
        self._mab = MAB(list(range(arms)), LearningPolicy.LinUCB(alpha=1.0, l2_lambda=1.0))
        self._mab.fit(list(range(arms)), [0.5] * arms, np.eye(arms, dim))

    def decide(self, context: FloatArray) -> int:
        """The arm with the highest upper bound."""
        return int(self._mab.predict(context[None]))

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """One row."""
        self._mab.partial_fit([arm], [quality], context[None])


make = MabwiserPlayer
