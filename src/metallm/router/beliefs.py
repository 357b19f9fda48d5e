"""What is believed of the arms for some queries, at one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.estimates import ArmEstimates
from metallm.core.reward import expected_rewards
from metallm.errors import UnknownPriceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.arrays import Context, FloatArray
    from metallm.router.knowledge import Knowledge


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """Estimates for n queries and K arms.

    Args:
        names: K arms.
        quality: shape (n, K).
        uncertainty: shape (n, K).
        cost: shape (n, K), USD; NaN for an arm whose price is flagged as unknown.
        reward: shape (n, K).
        cost_weight: p.
        cost_scale: USD that count as 1.
    """

    names: tuple[str, ...]
    quality: FloatArray
    uncertainty: FloatArray
    cost: FloatArray
    reward: FloatArray
    cost_weight: float
    cost_scale: float

    def estimates(self) -> list[ArmEstimates]:
        """The estimates for each query, by arm."""
        rows, arms = self.quality.shape
        numbers = np.empty((rows, 4, arms))
        for place, each in enumerate((self.quality, self.uncertainty, self.cost, self.reward)):
            numbers[:, place] = each
        return [ArmEstimates(self.names, row) for row in numbers]

    def moved(self, gain: FloatArray, shrink: float) -> Beliefs:
        """The same arms, each worth more by a gain than its own quality tells.

        Args:
            gain: shape (n, K).
            shrink: what the standard errors are multiplied by, 0 to 1.
        """
        return replace(self, reward=self.reward + gain, uncertainty=self.uncertainty * shrink)

    def only(self, places: Sequence[int]) -> Beliefs:
        """Of some arms alone, by their places."""
        if len(places) == len(self.names):
            return self
        return replace(
            self,
            names=tuple(self.names[place] for place in places),
            quality=self.quality[:, places],
            uncertainty=self.uncertainty[:, places],
            cost=self.cost[:, places],
            reward=self.reward[:, places],
        )

    def beside(self, name: str, quality: float) -> Beliefs:
        """With one more arm, whose quality is known and which costs nothing."""
        return replace(
            self,
            names=(*self.names, name),
            quality=_beside(self.quality, quality),
            uncertainty=_beside(self.uncertainty, 0.0),
            cost=_beside(self.cost, 0.0),
            reward=_beside(self.reward, quality),
        )


def _beside(known: FloatArray, last: float) -> FloatArray:
    rows, arms = known.shape
    wider = np.empty((rows, arms + 1))
    wider[:, :arms], wider[:, arms] = known, last
    return wider


def believe(
    knowledge: Knowledge,
    contexts: Context,
    input_tokens: FloatArray,
    names: tuple[str, ...],
    cost_weight: float,
    *,
    tasks: Sequence[str] = (),
    labels: tuple[str, ...] = (),
    latency_weight: float = 0.0,
    discounts: Mapping[str, float] | None = None,
) -> Beliefs:
    """Estimate quality, cost and reward.

    Args:
        knowledge: what was learned.
        contexts: shape (n, d).
        input_tokens: shape (n,).
        names: K arms.
        cost_weight: p.
        tasks: n names of tasks, "" where unknown; or none.
        labels: the labels that are asked about; none where the answer is free.
        latency_weight: reward that a second of waiting takes off.
        discounts: by arm, the part of the cost that it bills less for these queries than for others
            alike, 0 to 1.

    Raises:
        UnknownPriceError: an arm's cost is known from nowhere, and it is not flagged so.
    """
    cost = knowledge.cost_usd(contexts, input_tokens, names)
    if discounts:
        cost = cost * np.array([1.0 - discounts.get(name, 0.0) for name in names])
    if np.isnan(cost).any():
        check_prices(cost, names, knowledge.arms)
    scale = knowledge.cost_scale()
    quality, uncertainty = knowledge.learner.estimate(contexts, names, tasks=tasks, labels=labels)
    reward = expected_rewards(quality, cost, cost_weight=cost_weight, cost_scale=scale)
    if knowledge.learner.learns_reward:
        # what was learned is the reward itself: the quality is what the cost took off, put back
        quality, reward = 2.0 * quality - reward, quality
    if latency_weight > 0.0:
        reward = reward - latency_weight * knowledge.latencies.estimate(names)
    return Beliefs(names, quality, uncertainty, cost, reward, cost_weight, scale)


def check_prices(cost: FloatArray, names: Sequence[str], arms: Mapping[str, Arm]) -> None:
    """Refuse a NaN cost of an arm that is not flagged with price='unknown'.

    Raises:
        UnknownPriceError: for the first such arm.
    """
    for column, name in enumerate(names):
        if np.isnan(cost[:, column]).any() and arms[name].price != "unknown":
            raise UnknownPriceError(name)
