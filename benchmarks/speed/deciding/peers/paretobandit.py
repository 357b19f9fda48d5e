"""ParetoBandit's disjoint LinUCB, as its router calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pareto_bandit import DisjointLinUCBPolicy

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


class ParetobanditPlayer:
    """`DisjointLinUCBPolicy` without forgetting."""

    def __init__(self, arms: int, dim: int) -> None:
        self._policy = DisjointLinUCBPolicy([str(arm) for arm in range(arms)], dim=dim, seed=0)

    def decide(self, context: FloatArray) -> int:
        """The arm with the highest upper bound."""
        name, _ = self._policy.select_arm(context)
        self._policy.mark_selected(name)
        return int(name)

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """One row."""
        self._policy.update(str(arm), context, quality, advance_time=False)


make = ParetobanditPlayer
