"""Vowpal Wabbit's SquareCB on action-dependent features.

Its learner is a linear one by stochastic gradient: less work than a ridge with its errors. Text is
what it takes from Python in the way its documentation shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import vowpalwabbit

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class VowpalwabbitPlayer:
    """`--cb_explore_adf --squarecb` with every context feature crossed with the arm."""

    def __init__(self, arms: int, dim: int) -> None:
        del dim
        self._workspace = vowpalwabbit.Workspace(
            "--cb_explore_adf --squarecb --interactions xa --quiet --random_seed 1"
        )
        self._actions = [f"|a arm{arm}" for arm in range(arms)]
        self._rng = np.random.default_rng(0)
        self._chances: list[float] = []

    def decide(self, context: FloatArray) -> int:
        """A draw from its probabilities."""
        self._chances = self._workspace.predict([_shared(context), *self._actions])
        chances = np.array(self._chances)
        return int(self._rng.choice(len(chances), p=chances / chances.sum()))

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """One labelled example; costs are losses, so quality changes its sign."""
        chance = self._chances[arm] if self._chances else 1.0 / len(self._actions)
        lines = list(self._actions)
        lines[arm] = f"0:{-quality}:{max(chance, 1e-6)} {lines[arm]}"
        self._workspace.learn([_shared(context), *lines])


def _shared(context: FloatArray) -> str:
    features = " ".join(f"{place}:{value:.6g}" for place, value in enumerate(context.tolist()))
    return f"shared |x {features}"


make = VowpalwabbitPlayer
