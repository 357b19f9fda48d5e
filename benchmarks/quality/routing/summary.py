"""From results to figures: means over shuffles with intervals, means over files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.evaluation.intervals import mean_interval
from metallm.evaluation.ratios import ratio_interval
from routing import online
from routing.bench import COLD, LATE, NEVER, OFFLINE
from routing.methods import OURS, RIDGE

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray
    from metallm.evaluation.intervals import Interval
    from routing.bench import Bench

SAVINGS = ("saving100", "saving99", "saving95")
LEAST_GAIN = 0.002
"""Reward a query that a new arm must be able to add, for its share to mean something."""


@dataclass(frozen=True, eq=False)
class Summary:
    """Reads a finished bench.

    Args:
        bench: all jobs of it done.
    """

    bench: Bench

    @property
    def files(self) -> list[str]:
        """Names of the tables."""
        return list(self.bench.tables)

    def offline(self, file: str, method: str, figure: str) -> Interval | None:
        """A figure over shuffles; None where some shuffle has none.

        A saving below 0 and a level never reached count as 0: the best single model can always be
        asked by name.
        """
        values = []
        for shuffle in range(self.bench.plan.shuffles):
            found = self.bench.figures(self.bench.job(file, OFFLINE, method, shuffle)) or {}
            value = found.get(figure)
            if figure in SAVINGS:
                value = max(value or 0.0, 0.0)
            values.append(value)
        return (
            None if None in values else mean_interval([float(v) for v in values if v is not None])
        )

    def online(self, file: str, method: str, kind: str, figure: str) -> Interval | None:
        """A figure over shuffles, each the mean over cost weights; None where a run has none."""
        values = self.stream_values(file, method, kind, figure)
        if values is None:
            return None
        return mean_interval(values.mean(axis=1))

    def stream_values(self, file: str, method: str, kind: str, figure: str) -> FloatArray | None:
        """A figure of each shuffle and cost weight, shape (shuffles, weights)."""
        bench = self.bench
        player = next(each for each in bench.online if each.name == method)
        rows = []
        for shuffle in range(bench.shuffles_of(player)):
            jobs = [bench.job(file, kind, method, shuffle, p) for p in online.COST_WEIGHTS]
            values = [(bench.figures(job) or {}).get(figure) for job in jobs]
            if None in values:
                return None
            rows.append(values)
        return np.array(rows, dtype=np.float64)

    def new_arm(self, file: str) -> Interval | None:
        """The share of a new arm's attainable gain that is reached; None where none is certain.

        Over the last two thirds of the stream, the sums over cost weights: (with the arm from a
        third on − without it) / (with it from the start − without it).
        """
        parts = [self.stream_values(file, OURS, kind, "later") for kind in (LATE, NEVER, COLD)]
        if any(part is None for part in parts):
            return None
        late, never, always = (part.sum(axis=1) for part in parts if part is not None)
        gain = mean_interval(always - never)
        if gain.mean < LEAST_GAIN * len(online.COST_WEIGHTS) or gain.low <= 0.0:
            return None
        return ratio_interval(late - never, always - never)

    def mean_offline(self, method: str, figure: str) -> float:
        """The mean over files of the means over shuffles; NaN where a file has none."""
        return _mean([self.offline(file, method, figure) for file in self.files])

    def mean_online(self, method: str, kind: str, figure: str = "lead") -> float:
        """The mean over files; NaN where a file has none."""
        return _mean([self.online(file, method, kind, figure) for file in self.files])

    def figures(self) -> dict[str, float]:
        """What `--json` writes; what could not be measured is left out."""
        found: dict[str, float] = {}
        if self.bench.offline:
            found |= self._offline_figures()
        if self.bench.online:
            found |= self._online_figures()
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def _offline_figures(self) -> dict[str, float]:
        gaps = {file: _value(self.offline(file, OURS, "gap_closed")) for file in self.files}
        lead = [gaps[file] - _value(self.offline(file, RIDGE, "gap_closed")) for file in self.files]
        saved = [_value(self.offline(file, OURS, "saving99")) for file in self.files]
        found = {f"gap_closed.{file}": gap for file, gap in gaps.items()}
        found["gap_closed_mean"] = float(np.mean(list(gaps.values())))
        found["saving99_median"] = float(np.median(saved))
        found["gap_over_ridge_least"] = float(np.min(lead))
        for method in self.bench.offline:
            if method.name != OURS:
                found[f"gap_closed_mean.{method.name}"] = self.mean_offline(
                    method.name, "gap_closed"
                )
        return found

    def _online_figures(self) -> dict[str, float]:
        found = {"cold_reward_mean": self.mean_online(OURS, COLD)}
        for file in self.files:
            found[f"cold_reward.{file}"] = _value(self.online(file, OURS, COLD, "lead"))
            found[f"warm25_reward.{file}"] = _value(self.online(file, OURS, "warm25", "lead"))
        shares = [share.mean for file in self.files if (share := self.new_arm(file)) is not None]
        if shares:
            found["new_arm_share"] = float(np.mean(shares))
        for method in self.bench.online:
            if method.name != OURS:
                found[f"cold_reward_mean.{method.name}"] = self.mean_online(method.name, COLD)
        return found


def _value(interval: Interval | None) -> float:
    return float("nan") if interval is None else interval.mean


def _mean(intervals: list[Interval | None]) -> float:
    return float(np.mean([_value(each) for each in intervals]))
