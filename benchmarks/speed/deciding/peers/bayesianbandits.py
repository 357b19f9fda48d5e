"""bayesianbandits' contextual agent with a normal regressor per arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bayesianbandits import Arm, ContextualAgent, NormalRegressor, UpperConfidenceBound

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class BayesianbanditsPlayer:
    """`ContextualAgent` with upper confidence bounds, which it draws samples for."""

    def __init__(self, arms: int, dim: int) -> None:
        del dim
        self._agent = ContextualAgent(
            [Arm(arm, learner=NormalRegressor(alpha=1.0, beta=1.0)) for arm in range(arms)],
            UpperConfidenceBound(),
            random_seed=0,
        )

    def decide(self, context: FloatArray) -> int:
        """The arm with the highest upper bound."""
        return int(self._agent.pull(context[None])[0])

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """One row."""
        self._agent.select_for_update(arm).update(context[None], np.array([quality]))


make = BayesianbanditsPlayer
