"""Who plays a stream: chooses a model for one row after the other and is told what it got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from routing import ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.router.engine import Engine
    from routing.peers.bandit import Bandit
    from routing.table import Table


class Player(Protocol):
    """Chooses, and learns from the outcome of its choice alone."""

    def warm(self, rows: NDArray[np.intp]) -> None:
        """Learn from fully labelled rows."""
        ...

    def choose(self, row: int, allowed: Sequence[int]) -> int:
        """A column among those allowed."""
        ...

    def learn(self, row: int, column: int) -> None:
        """Learn what the choice in this row obtained."""
        ...


class OurPlayer:
    """A MetaLLM engine: decides, and is told quality and bill.

    Args:
        table: the rows.
        engine: knows nothing yet.
    """

    def __init__(self, table: Table, engine: Engine) -> None:
        self._table = table
        self._engine = engine
        self._decision = ""

    def warm(self, rows: NDArray[np.intp]) -> None:
        """Learn from fully labelled rows."""
        ours.teach(self._engine, self._table, rows)

    def choose(self, row: int, allowed: Sequence[int]) -> int:
        """A column among those allowed."""
        models = self._table.panel.models
        arms = None if len(allowed) == len(models) else [models[column] for column in allowed]
        decision = self._engine.decide(self._table.recordings.texts[row], arms=arms)
        self._decision = decision.id
        return models.index(decision.arm)

    def learn(self, row: int, column: int) -> None:
        """Give the last decision its feedback."""
        panel = self._table.panel
        self._engine.feedback(
            self._decision,
            quality=float(panel.quality[row, column]),
            cost_usd=float(panel.cost_usd[row, column]),
        )


class PeerPlayer:
    """Another project's bandit, told the scalar reward.

    Args:
        table: the rows.
        bandit: knows nothing yet.
        contexts: shape (n, d), what it sees of each row.
        cost_weight: p; the scale of costs is the benchmark's own, which favours it.
    """

    def __init__(
        self, table: Table, bandit: Bandit, contexts: FloatArray, cost_weight: float
    ) -> None:
        self._bandit = bandit
        self._contexts = contexts
        self._quality = table.panel.quality
        self._reward = table.panel.reward(cost_weight)

    def warm(self, rows: NDArray[np.intp]) -> None:
        """Every model's outcome in each row, one after the other."""
        for row in rows.tolist():
            for column in np.flatnonzero(~np.isnan(self._quality[row])).tolist():
                self.learn(row, column)

    def choose(self, row: int, allowed: Sequence[int]) -> int:
        """A column among those allowed."""
        return self._bandit.choose(self._contexts[row], allowed)

    def learn(self, row: int, column: int) -> None:
        """The reward of the column; the quality too, for the one peer that prices arms itself."""
        self._bandit.learn(
            self._contexts[row],
            column,
            reward=float(self._reward[row, column]),
            quality=float(self._quality[row, column]),
        )


class RandomPlayer:
    """A uniform choice among the models allowed.

    Args:
        seed: of its draws.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def warm(self, rows: NDArray[np.intp]) -> None:
        """Learns nothing."""

    def choose(self, row: int, allowed: Sequence[int]) -> int:  # noqa: ARG002 - sees nothing
        """Any column among those allowed."""
        return int(self._rng.choice(np.asarray(allowed)))

    def learn(self, row: int, column: int) -> None:
        """Learns nothing."""


class OrderPlayer:
    """The first model allowed in an order fixed for each row: cheapest, oracle, best of the task.

    Args:
        order: shape (n, K), columns of each row from first to last choice.
    """

    def __init__(self, order: NDArray[np.intp]) -> None:
        self._order = order

    def warm(self, rows: NDArray[np.intp]) -> None:
        """Learns nothing."""

    def choose(self, row: int, allowed: Sequence[int]) -> int:
        """The first column of the row's order that is allowed."""
        return next(int(column) for column in self._order[row] if column in allowed)

    def learn(self, row: int, column: int) -> None:
        """Learns nothing."""


def cheapest(table: Table) -> OrderPlayer:
    """Always the cheapest model."""
    costs = np.nanmean(table.panel.cost_usd, axis=0)
    return OrderPlayer(np.tile(np.argsort(costs, kind="stable"), (len(table.panel.rows), 1)))


def oracle(table: Table, cost_weight: float) -> OrderPlayer:
    """The best model of each row, known beforehand."""
    reward = np.nan_to_num(table.panel.reward(cost_weight), nan=-np.inf)
    return OrderPlayer(np.argsort(-reward, axis=1, kind="stable"))


def best_of_task(table: Table, cost_weight: float) -> OrderPlayer:
    """The model with the best mean reward in each task, known afterwards, the task told."""
    reward = table.panel.reward(cost_weight)
    names = np.array(table.recordings.datasets)
    order = np.empty(reward.shape, dtype=np.intp)
    overall = np.nanmean(reward, axis=0)
    for task in np.unique(names):
        mine = reward[names == task]
        known = (~np.isnan(mine)).sum(axis=0)
        means = np.where(known > 0, np.nansum(mine, axis=0) / np.maximum(known, 1), overall)
        order[names == task] = np.argsort(-means, kind="stable")
    return OrderPlayer(order)
