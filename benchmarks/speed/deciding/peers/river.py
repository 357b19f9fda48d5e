"""river's LinUCBDisjoint, which takes a dict of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from river import bandit

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class RiverPlayer:
    """`LinUCBDisjoint`; its own documentation calls it too slow to be used in practice."""

    def __init__(self, arms: int, dim: int) -> None:
        del dim
        self._arms = list(range(arms))
        self._bandit = bandit.LinUCBDisjoint(alpha=1.0, beta=1.0, seed=0)

    def decide(self, context: FloatArray) -> int:
        """The arm with the highest upper bound."""
        return int(self._bandit.pull(self._arms, context=_named(context)))

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """One row."""
        self._bandit.update(arm, _named(context), quality)


def _named(context: FloatArray) -> dict[int, float]:
    return dict(enumerate(context.tolist()))


make = RiverPlayer
