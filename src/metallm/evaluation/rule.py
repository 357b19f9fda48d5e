"""A router that follows a rule and learns nothing: a comparison of one's own, and a public double.

It writes down what it was asked and told, so that tests can see what a replay does to a router.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.tables.recordings import Recordings


@dataclass
class RuleRouter:
    """Chooses by a rule; where its choice is not allowed, the first model that is.

    Args:
        rule: from a text and a cost weight (p, 0 where none is told) to the name of a model.
        fitted: the recordings it was to learn from, as they came.
        asked: text, task and allowed models of each decision.
        told: decision id, quality and cost in USD of each feedback.
        closed: whether it was closed.
    """

    rule: Callable[[str, float], str]
    fitted: list[Recordings] = field(default_factory=list)
    asked: list[tuple[str, str | None, tuple[str, ...] | None]] = field(default_factory=list)
    told: list[tuple[str, float, float | None]] = field(default_factory=list)
    closed: bool = False

    def fit(self, recordings: Recordings) -> None:
        """Keep the recordings and learn nothing."""
        self.fitted.append(recordings)

    def decide(
        self,
        query: str,
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
    ) -> Decision:
        """Follow the rule; the decision's id is its number."""
        weight = cost_weight or 0.0
        arm = self.rule(query, weight)
        if arms is not None and arm not in arms:
            arm = arms[0]
        self.asked.append((query, task, None if arms is None else tuple(arms)))
        index = len(self.asked) - 1
        return Decision(
            id=str(index),
            index=index,
            arm=arm,
            propensity=1.0,
            propensities={arm: 1.0},
            estimates={},
            policy="rule",
            version=len(self.told),
            cost_weight=weight,
            cost_scale=1.0,
            context=np.zeros(0, dtype=np.float32),
            input_tokens=0,
            task=task,
        )

    def decide_many(
        self,
        queries: Sequence[str],
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
    ) -> list[Decision]:
        """Follow the rule for each text."""
        return [
            self.decide(query, task=task, arms=arms, cost_weight=cost_weight) for query in queries
        ]

    def feedback(self, decision_id: str, *, quality: float, cost_usd: float | None = None) -> None:
        """Write the outcome down and learn nothing."""
        self.told.append((decision_id, quality, cost_usd))

    def close(self) -> None:
        """Note it."""
        self.closed = True
