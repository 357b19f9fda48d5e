"""The demo's figures: the router's as they come, and beside them what a fixed choice gets."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.core.classes import STUDENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.cli.doors import Answered
    from metallm.tables.recordings import Recordings

RECENT = 200
"""Queries over which the newest accuracy and shares are taken."""


@dataclass(frozen=True, slots=True)
class Line:
    """How somebody fares.

    Args:
        name: who.
        short: the same in a word.
        accuracy: over all queries so far.
        recent: over the newest ones.
        cost_usd: spent so far.
    """

    name: str
    short: str
    accuracy: float
    recent: float
    cost_usd: float


class Score:
    """Counts what the router gets, query by query, in the recording's order.

    Args:
        recordings: of the simulated LLMs; they tell what a fixed choice would have got.
    """

    def __init__(self, recordings: Recordings) -> None:
        self._models = recordings.models
        self._quality = recordings.score
        self._cost = recordings.cost_usd
        self._best = int(self._quality.mean(axis=0).argmax())
        self._cheapest = int(self._cost.mean(axis=0).argmin())
        self._correct: list[bool] = []
        self._spent = 0.0
        self._recent_arms: deque[str] = deque(maxlen=RECENT)

    @property
    def done(self) -> int:
        """Queries so far."""
        return len(self._correct)

    def add(self, answer: Answered, truth: str) -> None:
        """Count the answer to the next query."""
        self._correct.append(answer.label == truth)
        self._spent += answer.cost_usd or 0.0
        self._recent_arms.append(answer.arm)

    def lines(self) -> list[Line]:
        """The router first, then the others on the same queries; one query at the least."""
        right = np.array(self._correct, dtype=np.float64)
        ours = Line(
            "the router", "router", float(right.mean()), float(right[-RECENT:].mean()), self._spent
        )
        best, cheapest = self._models[self._best], self._models[self._cheapest]
        return [
            ours,
            self._fixed(f"always the best ({best})", "best", [self._best]),
            self._fixed(f"always the cheapest ({cheapest})", "cheapest", [self._cheapest]),
            self._fixed("a random one (expected)", "random", range(len(self._models))),
        ]

    def shares(self) -> dict[str, float]:
        """The share of the newest queries that each model answered, and the student."""
        counts, total = Counter(self._recent_arms), max(len(self._recent_arms), 1)
        return {name: counts[name] / total for name in (STUDENT, *self._models)}

    def plain(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        router, best, *_ = lines = self.lines()
        return {
            "synthetic": True,
            "queries": self.done,
            "rows": [
                {"name": line.name, "accuracy": line.accuracy, "recent_accuracy": line.recent,
                 "cost_usd": line.cost_usd}
                for line in lines
            ],
            "recent_shares": self.shares(),
            "saving_vs_best": 1.0 - router.cost_usd / best.cost_usd,
        }  # fmt: skip

    def _fixed(self, name: str, short: str, columns: Sequence[int]) -> Line:
        quality = self._quality[: self.done, columns].mean(axis=1)
        cost = float(self._cost[: self.done, columns].mean(axis=1).sum())
        return Line(name, short, float(quality.mean()), float(quality[-RECENT:].mean()), cost)
