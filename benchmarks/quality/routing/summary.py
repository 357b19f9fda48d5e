"""From results to figures: means over shuffles with intervals, means over files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.evaluation.intervals import mean_interval
from metallm.evaluation.ratios import ratio_interval
from routing import online
from routing.methods import OURS, RIDGE
from routing.work import COLD, LATE, NEVER, OFFLINE

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

    @property
    def estimating(self) -> list[str]:
        """Names of the offline methods that estimate quality, ours first."""
        return [
            method.name
            for method in self.bench.offline
            if all(self.offline_values(file, method.name, "ece") is not None for file in self.files)
        ]

    def offline(self, file: str, method: str, figure: str) -> Interval | None:
        """A figure over shuffles; None where some shuffle has none."""
        values = self.offline_values(file, method, figure)
        return None if values is None else mean_interval(values)

    def offline_values(self, file: str, method: str, figure: str) -> FloatArray | None:
        """A figure of each shuffle, shape (shuffles,); None where some shuffle has none.

        A saving below 0 and a level never reached count as 0: the best single model can always be
        asked by name.
        """
        values = []
        for shuffle in range(self.bench.plan.shuffles):
            found = self.bench.figures(self.bench.job(file, OFFLINE, method, shuffle)) or {}
            value = found.get(figure)
            values.append(max(value or 0.0, 0.0) if figure in SAVINGS else value)
        return None if None in values else np.array(values, dtype=np.float64)

    def online(self, file: str, method: str, kind: str, figure: str) -> Interval | None:
        """A figure over shuffles, each the mean over cost weights; None where a run has none."""
        values = self.stream_values(file, method, kind, figure)
        return None if values is None else mean_interval(values.mean(axis=1))

    def above(self, file: str, method: str, figure: str) -> Interval | None:
        """A figure of ours less that of another method, paired by shuffle."""
        ours = self.offline_values(file, OURS, figure)
        other = self.offline_values(file, method, figure)
        return None if ours is None or other is None else mean_interval(ours - other)

    def mean_above(self, method: str, figure: str) -> Interval | None:
        """The same, each shuffle's mean over files."""
        pairs = [
            (self.offline_values(file, OURS, figure), self.offline_values(file, method, figure))
            for file in self.files
        ]
        return _mean([None if a is None or b is None else a - b for a, b in pairs])

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

    def mean_offline(self, method: str, figure: str) -> Interval | None:
        """The mean over files of each shuffle, over shuffles; None where a file has none."""
        return _mean([self.offline_values(file, method, figure) for file in self.files])

    def mean_online(self, method: str, kind: str, figure: str = "lead") -> Interval | None:
        """The same for streams, cost weights averaged."""
        found = [self.stream_values(file, method, kind, figure) for file in self.files]
        return _mean([None if values is None else values.mean(axis=1) for values in found])

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
        found["gap_closed_least"] = float(np.min(list(gaps.values())))
        found["gap_over_ridge_least"] = float(np.min(lead))
        for method in self.bench.offline:
            if method.name != OURS:
                mean = self.mean_offline(method.name, "gap_closed")
                found[f"gap_closed_mean.{method.name}"] = _value(mean)
        return found | self._calibration_figures()

    def _calibration_figures(self) -> dict[str, float]:
        found = {
            f"calibration_error.{file}": _value(self.offline(file, OURS, "ece"))
            for file in self.files
        }
        for name in self.estimating:
            said = "" if name == OURS else f".{name}"
            found[f"calibration_error_mean{said}"] = _value(self.mean_offline(name, "ece"))
            found[f"brier_mean{said}"] = _value(self.mean_offline(name, "brier"))
        found["brier_mean.each model's mean"] = _value(self.mean_offline(OURS, "brier_means"))
        found["error_coverage_mean"] = _value(self.mean_offline(OURS, "covered"))
        return found

    def _online_figures(self) -> dict[str, float]:
        found = {"cold_reward_mean": _value(self.mean_online(OURS, COLD))}
        for file in self.files:
            found[f"cold_reward.{file}"] = _value(self.online(file, OURS, COLD, "lead"))
            found[f"warm25_reward.{file}"] = _value(self.online(file, OURS, "warm25", "lead"))
        shares = [share.mean for file in self.files if (share := self.new_arm(file)) is not None]
        if shares:
            found["new_arm_share"] = float(np.mean(shares))
        for method in self.bench.online:
            if method.name != OURS:
                mean = self.mean_online(method.name, COLD)
                found[f"cold_reward_mean.{method.name}"] = _value(mean)
        return found


def _value(interval: Interval | None) -> float:
    return float("nan") if interval is None else interval.mean


def _mean(values: list[FloatArray | None]) -> Interval | None:
    """Over files first, one number a shuffle."""
    known = [each for each in values if each is not None]
    return mean_interval(np.mean(known, axis=0)) if len(known) == len(values) else None
