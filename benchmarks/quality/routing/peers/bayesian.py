"""bayesianbandits: Thompson sampling over a conjugate linear regression per arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from routing.peers.bandit import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from routing.peers.bandit import Setup


class BayesianBandit:
    """A ContextualAgent with Thompson sampling.

    Args:
        setup: what it is made for.
        learner: name of a regressor of the package.
        options: of the regressor.
    """

    def __init__(self, setup: Setup, learner: str, **options: float) -> None:
        import bayesianbandits

        kind = getattr(bayesianbandits, learner)
        arms = [
            bayesianbandits.Arm(column, learner=kind(**options))
            for column in range(len(setup.arms))
        ]
        self._agent: Any = bayesianbandits.ContextualAgent(
            arms, bayesianbandits.ThompsonSampling(), random_seed=setup.seed
        )
        self._arms = arms

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """Its policy's choice among the arms allowed."""
        agent = self._agent
        chosen = agent.policy([self._arms[column] for column in allowed], context[None], agent.rng)
        return int(chosen[0].action_token)

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn the reward."""
        del quality
        self._agent.select_for_update(column).update(context[None], np.array([reward]))


def _make(setup: Setup, learner: str, **options: float) -> BayesianBandit:
    return BayesianBandit(setup, learner, **options)


KINDS = (
    Kind(
        "bayesianbandits Thompson",
        "bayesianbandits",
        {
            "default (normal-inverse-gamma)": {"learner": "NormalInverseGammaRegressor"},
            "normal (α 10, β 4)": {"learner": "NormalRegressor", "alpha": 10.0, "beta": 4.0},
        },
        _make,
    ),
)
