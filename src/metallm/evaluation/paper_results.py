"""What a comparison by the paper's protocol found, and its means over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.evaluation.budgets import meets
from metallm.evaluation.intervals import Interval, mean_interval

if TYPE_CHECKING:
    from metallm.evaluation.budgets import Point, Tuned
    from metallm.evaluation.results import Mode


@dataclass(frozen=True, slots=True)
class Attempt:
    """One router with one budget, for one seed.

    Args:
        seed: of the split and of the router.
        mode: how the router learned.
        contender: name of the router.
        budget: the single model whose cost is the budget.
        budget_usd: that cost on the test rows, USD per query.
        tuned: p and what it came to on the validation rows.
        test: what it came to on the test rows.
    """

    seed: int
    mode: Mode
    contender: str
    budget: str
    budget_usd: float
    tuned: Tuned
    test: Point

    @property
    def over(self) -> bool:
        """Whether it spent more on the test rows than the model whose budget it had."""
        return not meets(self.test.cost_usd, self.budget_usd)


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over seeds with 95 % intervals.

    Args:
        cost_usd: USD per query.
        quality: 0 to 1.
    """

    cost_usd: Interval
    quality: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """All seeds, modes, routers and budgets.

    Args:
        models: the models that could be asked.
        left_out: models without any recorded cost.
        modes: in order.
        contenders: names of the routers, in order.
        budgets: the models whose costs were budgets, the cheapest first.
        seeds: one split each.
        rows: how many rows the fit, the tuning and the test had.
        singles: each model's point on the test rows, one a seed.
        attempts: one a seed, mode, router and budget.
    """

    models: tuple[str, ...]
    left_out: tuple[str, ...]
    modes: tuple[Mode, ...]
    contenders: tuple[str, ...]
    budgets: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: tuple[int, int, int]
    singles: dict[str, tuple[Point, ...]]
    attempts: tuple[Attempt, ...]

    def single(self, model: str) -> Summary:
        """Always asking one model."""
        return _summary(list(self.singles[model]))

    def tried(self, mode: Mode, contender: str, budget: str) -> list[Attempt]:
        """One router's attempts at one budget, one a seed."""
        wanted = (mode, contender, budget)
        return [a for a in self.attempts if (a.mode, a.contender, a.budget) == wanted]

    def at(self, mode: Mode, contender: str, budget: str) -> Summary:
        """One router at one budget."""
        return _summary([each.test for each in self.tried(mode, contender, budget)])

    def lead(self, mode: Mode, budget: str) -> Interval:
        """Quality of the last router minus that of the first, paired over seeds."""
        first, last = (self.tried(mode, self.contenders[place], budget) for place in (0, -1))
        return mean_interval(
            [b.test.quality - a.test.quality for a, b in zip(first, last, strict=True)]
        )


def _summary(points: list[Point]) -> Summary:
    return Summary(
        mean_interval([point.cost_usd for point in points]),
        mean_interval([point.quality for point in points]),
    )
