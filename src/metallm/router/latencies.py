"""How long each arm takes to answer: a mean that forgets, for queues come and go.

    m ← m + max(1 − FORGET, 1 / n) · (s − m)

s is the n-th answer's time in seconds. Long answers take longer, but what is to be weighed against
quality is the wait that an arm is usually worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray

FORGET = 0.98
"""What an answer's time counts for after one more, once there are fifty."""


class Latencies:
    """Expected seconds to an arm's whole answer. Deterministic."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, int]] = {}

    def update(self, arm: str, latency_s: float) -> None:
        """Learn one answer's time.

        Args:
            arm: who answered.
            latency_s: seconds.
        """
        mean, count = self._known.get(arm, (0.0, 0))
        count += 1
        mean += max(1.0 - FORGET, 1.0 / count) * (latency_s - mean)
        self._known[arm] = mean, count

    def at_least(self, arm: str, latency_s: float) -> None:
        """Learn of an answer that was not waited for to its end.

        It counts as what is usual, or as long as it was waited for where that is longer. Left out,
        an arm whose slow answers are given up would look quick.

        Args:
            arm: who was asked.
            latency_s: seconds that it was waited for.
        """
        mean, _ = self._known.get(arm, (0.0, 0))
        self.update(arm, max(latency_s, mean))

    def estimate(self, arms: Sequence[str]) -> FloatArray:
        """Seconds, shape (K,); an arm that never answered is expected to take the mean of all."""
        known = [mean for mean, _ in self._known.values()]
        usual = sum(known) / len(known) if known else 0.0
        return np.array([self._known.get(arm, (usual, 0))[0] for arm in arms])

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "arms": np.array(list(self._known), dtype=np.str_),
            "known": np.array(list(self._known.values()), dtype=np.float64).reshape(-1, 2),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state; from nothing where it is empty."""
        arms = [str(arm) for arm in state["arms"]] if state else []
        rows = state["known"].tolist() if state else []
        self._known = {
            arm: (mean, int(count)) for arm, (mean, count) in zip(arms, rows, strict=True)
        }
