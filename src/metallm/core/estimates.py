"""What was believed of each arm for one query: plain numbers, made into objects on demand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metallm.core.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class ArmEstimate:
    """What was believed of one arm for one query.

    Args:
        quality: expected quality, 0 to 1 in expectation (a linear estimate may step outside).
        uncertainty: standard error of that expectation.
        cost_usd: expected cost in USD; None where the price is unknown and flagged so.
        reward: quality − p · cost / cost of the dearest arm − latency weight · expected seconds.
    """

    quality: float
    uncertainty: float
    cost_usd: float | None
    reward: float


class ArmEstimates(Mapping[str, ArmEstimate]):
    """A mapping from arms to estimates. A decision has one; few are ever looked into.

    Args:
        names: K arms.
        numbers: shape (4, K): quality, uncertainty, cost in USD (NaN where unknown), reward.
    """

    __slots__ = ("_names", "_numbers")

    def __init__(self, names: tuple[str, ...], numbers: FloatArray) -> None:
        self._names = names
        self._numbers = numbers

    def __getitem__(self, arm: str) -> ArmEstimate:
        try:
            column = self._names.index(arm)
        except ValueError:
            raise KeyError(arm) from None
        quality, uncertainty, cost, reward = self._numbers[:, column].tolist()
        return ArmEstimate(quality, uncertainty, None if math.isnan(cost) else cost, reward)

    def table(self) -> FloatArray:
        """All at once, shape (K, 4): quality, uncertainty, cost (NaN where unknown), reward."""
        return self._numbers.T.copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"
