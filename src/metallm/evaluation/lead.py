"""How far a stream of choices is ahead of always asking the best single model.

The best model is chosen with hindsight, by its mean reward over the whole stream: an opponent that
nobody could deploy on the first day. What is lost to it at first is the price of learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError
from metallm.evaluation.baselines import BEST, baselines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.evaluation.panel import Panel


@dataclass(frozen=True, slots=True, eq=False)
class Lead:
    """Rewards of a stream beside those of the best single model.

    Args:
        model: the best single model.
        obtained: shape (n,), the rewards of the choices, in the stream's order.
        fixed: shape (n,), those of that model.
    """

    model: str
    obtained: FloatArray
    fixed: FloatArray

    def per_query(self, length: int) -> float:
        """The mean lead over the first `length` queries; NaN where the stream is shorter.

        Raises:
            InputError: a length below 1.
        """
        if length < 1:
            raise InputError(f"a lead is taken over at least one query, not {length}")
        if length > len(self.obtained):
            return float("nan")
        return float((self.obtained[:length] - self.fixed[:length]).mean())

    def summed(self) -> FloatArray:
        """The summed lead after each query, shape (n,)."""
        return np.cumsum(self.obtained - self.fixed)


def lead(panel: Panel, chosen: NDArray[np.intp], *, cost_weight: float, cost_scale: float) -> Lead:
    """Compare choices with the best single model.

    Args:
        panel: n rows in the order in which they came.
        chosen: shape (n,), the column chosen in each row.
        cost_weight: p, 0 and up.
        cost_scale: USD that count as a cost of 1.
    """
    beside = baselines(panel, cost_weight=cost_weight, cost_scale=cost_scale)[BEST]
    model = str(beside.model)
    reward = panel.reward(cost_weight, cost_scale)
    fixed = reward[:, panel.models.index(model)]
    # in a row that the best model lacks, its mean stands for it
    fixed = np.where(np.isnan(fixed), beside.reward, fixed)
    return Lead(model, reward[np.arange(len(chosen)), chosen], fixed)
