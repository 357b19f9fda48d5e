"""What a replay found: one run a seed, and their means with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from metallm.evaluation.intervals import Interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.evaluation.baselines import Performance

Mode = Literal["offline", "online", "hybrid"]
MODES: tuple[str, ...] = get_args(Mode)

POLICY = "policy"
"""The name of the router's own row beside the baselines'."""


@dataclass(frozen=True, slots=True)
class Run:
    """One seed.

    Args:
        seed: of the shuffle and of the router.
        rows: how many queries were decided.
        performance: of the router; its regret is against the best model of each query.
        regret_fixed: the reward per query of the best single model (in hindsight) minus the
            router's; negative where the router beats every single model.
        baselines: on the same rows, by name; the mix spends what the router spent.
        shares: the share of queries that each model got; 0 for those never asked.
        curve: for some numbers of queries T, the router's summed reward over the first T minus
            that of the best single model; the last T is all rows.
    """

    seed: int
    rows: int
    performance: Performance
    regret_fixed: float
    baselines: Mapping[str, Performance]
    shares: Mapping[str, float]
    curve: Mapping[int, float]

    @property
    def table(self) -> dict[str, Performance]:
        """The router's row, then the baselines'."""
        return {POLICY: self.performance, **self.baselines}


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over seeds, each with its 95 % interval.

    Args:
        quality: 0 to 1.
        cost_usd: USD per query.
        reward: quality − p · cost / scale.
        regret: against the best model of each query.
        models: the models that were always asked, one where all seeds agree; none for mixtures.
    """

    quality: Interval
    cost_usd: Interval
    reward: Interval
    regret: Interval
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """All seeds of one mode.

    Args:
        mode: how the router learned.
        cost_weight: p.
        cost_scale: USD that count as a cost of 1, over all rows and for all seeds.
        models: the models that could be asked.
        left_out: models without any recorded cost.
        runs: one a seed, at least one.
    """

    mode: Mode
    cost_weight: float
    cost_scale: float
    models: tuple[str, ...]
    left_out: tuple[str, ...]
    runs: tuple[Run, ...]

    def summaries(self) -> dict[str, Summary]:
        """The router and every baseline, by name, the router first."""
        tables = [run.table for run in self.runs]
        return {name: _summary([table[name] for table in tables]) for name in tables[0]}

    def regret_fixed(self) -> Interval:
        """Regret per query against the best single model in hindsight."""
        return mean_interval([run.regret_fixed for run in self.runs])

    def shares(self) -> dict[str, float]:
        """The mean share of queries that each model got."""
        return {
            model: sum(run.shares[model] for run in self.runs) / len(self.runs)
            for model in self.models
        }

    def curve(self) -> dict[int, Interval]:
        """The learning curve: summed reward minus the best single model's after T queries."""
        return {
            length: mean_interval([run.curve[length] for run in self.runs])
            for length in self.runs[0].curve
        }


def _summary(found: list[Performance]) -> Summary:
    return Summary(
        quality=mean_interval([each.quality for each in found]),
        cost_usd=mean_interval([each.cost_usd for each in found]),
        reward=mean_interval([each.reward for each in found]),
        regret=mean_interval([each.regret for each in found]),
        models=tuple(sorted({each.model for each in found if each.model is not None})),
    )
