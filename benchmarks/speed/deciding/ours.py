"""MetaLLM's own: a ridge per arm, and the default learner, both under SquareCB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.core.chance import draw, uniform
from metallm.core.protocols import View
from metallm.learners.basis import Basis
from metallm.learners.blend import BlendLearner
from metallm.learners.ridge import ArmRidge
from metallm.policies.squarecb import SquareCBPolicy

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class RidgePlayer:
    """`ArmRidge` and SquareCB, the draw included."""

    def __init__(self, arms: int, dim: int) -> None:
        self.names = tuple(str(arm) for arm in range(arms))
        self._policy = SquareCBPolicy()
        l2, prior = np.full(dim, 10.0), np.zeros(dim)
        l2[0], prior[0] = 2.0, 0.7
        self._ridge = ArmRidge(arms, l2, prior)
        self._seen = 0

    def decide(self, context: FloatArray) -> int:
        """Estimates, their errors, probabilities, a draw."""
        quality, spread = self._ridge.predict_with_error(context[None])
        chances = self._policy.probabilities(View(quality, spread, self._seen), self.names)
        return draw(chances[0], uniform(0, self._seen))

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """A rank-one update."""
        self._ridge.update(arm, context, quality)
        self._seen += 1


class ReducedPlayer:
    """The same from long contexts, which it reduces to their main directions first.

    Args:
        arms: K.
        contexts: shape (n, D), what the directions are those of.
        directions: how many are kept.
    """

    def __init__(self, arms: int, contexts: FloatArray, directions: int = 32) -> None:
        self._basis = Basis.of(contexts.astype(np.float32), directions)
        self._player = RidgePlayer(arms, self._basis.dim)

    def decide(self, context: FloatArray) -> int:
        """The projection, then as `RidgePlayer`."""
        return self._player.decide(self._reduced(context))

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """The projection, then a rank-one update."""
        self._player.learn(self._reduced(context), arm, quality)

    def _reduced(self, context: FloatArray) -> FloatArray:
        reduced: FloatArray = self._basis.project(context[None].astype(np.float32))[0]
        return reduced


class BlendPlayer:
    """`BlendLearner` and SquareCB, the draw included."""

    def __init__(self, arms: int, dim: int) -> None:
        self.names = tuple(str(arm) for arm in range(arms))
        self._policy = SquareCBPolicy()
        self.learner = BlendLearner(dim)
        self._seen = 0

    def decide(self, context: FloatArray) -> int:
        """Estimates, their errors, probabilities, a draw."""
        quality, spread = self.learner.estimate(context[None].astype(np.float32), self.names)
        chances = self._policy.probabilities(View(quality, spread, self._seen), self.names)
        return draw(chances[0], uniform(0, self._seen))

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """What the router does with a judgement; renewals fall into their share of calls."""
        self.learner.update(context.astype(np.float32), self.names[arm], quality)
        self._seen += 1
