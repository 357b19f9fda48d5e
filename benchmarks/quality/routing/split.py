"""One shuffle of a table: three quarters to learn from, the rest to decide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metallm.evaluation.replay import TRAIN_SHARE
from metallm.learners.cost import CostLearner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.evaluation.panel import Panel
    from routing.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What a method believes of the rows to decide.

    Args:
        quality: shape (m, K).
        cost_usd: shape (m, K).
        cost_scale: USD that count as a cost of 1.
        error: standard errors of the qualities, shape (m, K); None where a method has none.
    """

    quality: FloatArray
    cost_usd: FloatArray
    cost_scale: float
    error: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """A table's rows in two parts, the same for every method.

    Args:
        table: n rows.
        shuffle: number of the shuffle, and every method's seed.
    """

    table: Table
    shuffle: int

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.random.default_rng(self.shuffle).permutation(len(self.table.panel.rows))

    @property
    def train(self) -> NDArray[np.intp]:
        """Rows to learn from."""
        return self._order[: round(TRAIN_SHARE * len(self._order))]

    @property
    def test(self) -> NDArray[np.intp]:
        """Rows to decide."""
        return self._order[round(TRAIN_SHARE * len(self._order)) :]

    @cached_property
    def learned(self) -> Panel:
        """The outcomes of the rows to learn from."""
        return self.table.panel.take(self.train)

    @cached_property
    def decided(self) -> Panel:
        """The outcomes of the rows to decide; no method sees them."""
        return self.table.panel.take(self.test)

    @cached_property
    def contexts(self) -> tuple[FloatArray, FloatArray]:
        """Contexts to learn from and to decide, float64."""
        x = self.table.contexts.astype(np.float64)
        return x[self.train], x[self.test]

    def with_learned_costs(self, quality: FloatArray) -> Estimates:
        """Estimates of quality beside our cost learner's of cost, shape (m, K) each."""
        return Estimates(quality, self.cost_usd, self.learned.cost_scale)

    @cached_property
    def cost_usd(self) -> FloatArray:
        """Our cost learner's estimates for the rows to decide, shape (m, K)."""
        table, train, test = self.table, self.train, self.test
        costs = CostLearner(table.features)
        costs.fit(
            table.contexts[train],
            table.input_tokens[train],
            table.panel.models,
            self.learned.cost_usd,
            table.list_usd[train],
        )
        return costs.estimate(
            table.contexts[test],
            table.input_tokens[test],
            table.panel.models,
            table.list_usd[test],
        )
