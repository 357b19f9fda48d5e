"""The protocol of the paper on any recorded set: three modes, p tuned to budgets, several seeds.

Source: MetaLLM (arXiv 2407.10834), section on experiments and Table 3. Where it is silent (the
split, the grid of p, what "under the budget" is held against), docs/guides/paper.md says what is
done here.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np

from metallm.errors import InputError, UnknownArmError
from metallm.evaluation.baselines import measure
from metallm.evaluation.budgets import COST_WEIGHTS, Point, tune
from metallm.evaluation.frontier import single_models
from metallm.evaluation.panel import panel_of
from metallm.evaluation.paper_results import Attempt, Comparison
from metallm.evaluation.replay import TRAIN_SHARE
from metallm.evaluation.results import Mode
from metallm.evaluation.stream import Stream, with_feedback, without_feedback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from metallm.evaluation.panel import Panel
    from metallm.evaluation.stream import Routable
    from metallm.tables.recordings import Recordings

PAPER_MODES: tuple[Mode, ...] = get_args(Mode)
FIT_SHARE = 0.5
"""Rows for the fit; a quarter each is left for tuning p and for the test. These two are equally
long, for what a router that learns online spends depends on how long it has been learning."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One kind of router.

    Args:
        name: in the table.
        make: called with a seed, the names of the models and p; closed after use.
        weighs_per_decision: whether one router can decide at any p; else each p needs its own.
    """

    name: str
    make: Callable[[int, Sequence[str], float], Routable]
    weighs_per_decision: bool = False


def compare(
    recordings: Recordings,
    contenders: Sequence[Contender],
    *,
    budgets: Sequence[str] = (),
    modes: Sequence[Mode] = PAPER_MODES,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    cost_weights: Sequence[float] = COST_WEIGHTS,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Tune every router to every budget on validation rows, then run it on the test rows.

    Args:
        recordings: what the models answered; models without any cost are left out.
        contenders: the routers, at least one.
        budgets: the models whose mean cost is a budget; none: each model's.
        modes: "offline" is fitted and frozen, "online" starts knowing nothing and learns, "hybrid"
            is fitted and learns on.
        seeds: one shuffle, split and set of routers each.
        cost_weights: the values of p to choose from.
        progress: called with attempts done and attempts in all: one a seed, mode, router and
            budget.

    Raises:
        InputError: no routers, modes or seeds, too few rows, no costs, or a part of the rows that
            some model has no answers in.
        UnknownArmError: a budget of, or a choice for, a model that is not on record.
    """
    panel = panel_of(recordings.models, recordings.score, recordings.cost_usd)
    if not (contenders and modes and seeds):
        raise InputError("a comparison needs at least one router, one mode and one seed")
    named = _by_cost(panel, budgets)
    recordings = replace(recordings, datasets=("",) * len(recordings)).with_arms(panel.models)
    singles: dict[str, list[Point]] = {model: [] for model in panel.models}
    attempts: list[Attempt] = []
    total = len(seeds) * len(modes) * len(contenders) * len(named)
    for seed in seeds:
        parts = _Parts.of(recordings, panel, seed)
        for model, point in _singles(parts.test.panel).items():
            singles[model].append(point)
        for mode in modes:
            for contender in contenders:
                with closing(_Trial(contender, mode, seed, parts)) as trial:
                    for budget in named:
                        attempts.append(trial.attempt(budget, cost_weights))
                        if progress is not None:
                            progress(len(attempts), total)
    return Comparison(
        panel.models,
        panel.left_out,
        tuple(modes),
        tuple(each.name for each in contenders),
        named,
        tuple(seeds),
        parts.sizes,
        {model: tuple(points) for model, points in singles.items()},
        tuple(attempts),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """One seed's split; the test rows are those of `replay` with this seed."""

    fit: Recordings
    validation: Stream
    test: Stream

    @classmethod
    def of(cls, recordings: Recordings, panel: Panel, seed: int) -> _Parts:
        n = len(panel.rows)
        first, second = round(FIT_SHARE * n), round(TRAIN_SHARE * n)
        if not 0 < first < second < n:
            raise InputError(f"the protocol needs four rows to split in three, not {n}")
        order = np.random.default_rng(seed).permutation(n)
        return cls(
            recordings.subset(panel.rows[order[:first]]),
            Stream.of(recordings, panel.take(order[first:second])),
            Stream.of(recordings, panel.take(order[second:])),
        )

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.fit), len(self.validation.texts), len(self.test.texts)


class _Trial:
    """One router in one mode for one seed, at any p. What was run once is remembered."""

    def __init__(self, contender: Contender, mode: Mode, seed: int, parts: _Parts) -> None:
        self._contender = contender
        self._mode: Mode = mode
        self._seed = seed
        self._parts = parts
        self._budgets = _singles(parts.validation.panel)
        self._limits = _singles(parts.test.panel)
        self._kept: Routable | None = None
        self._found: dict[tuple[bool, float], Point] = {}

    def attempt(self, budget: str, cost_weights: Sequence[float]) -> Attempt:
        """Tune p on the validation rows, then run the test rows once."""
        points = {p: self._run(p, test=False) for p in cost_weights}
        tuned = tune(points, self._budgets[budget].cost_usd)
        return Attempt(
            self._seed,
            self._mode,
            self._contender.name,
            budget,
            self._limits[budget].cost_usd,
            tuned,
            self._run(tuned.cost_weight, test=True),
        )

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()

    def _run(self, p: float, *, test: bool) -> Point:
        if (test, p) not in self._found:
            stream = self._parts.test if test else self._parts.validation
            play = without_feedback if self._mode == "offline" else with_feedback
            with self._router(p) as router:
                chosen = play(router, stream, p)
            found = measure(stream.panel, chosen, cost_weight=p)
            self._found[test, p] = Point(found.cost_usd, found.quality)
        return self._found[test, p]

    @contextmanager
    def _router(self, p: float) -> Iterator[Routable]:
        """A router as it is before its first row."""
        if self._mode == "offline" and self._contender.weighs_per_decision:
            if self._kept is None:  # frozen, so that one serves every p
                self._kept = self._fitted(p)
            yield self._kept
            return
        with closing(self._fitted(p)) as router:
            yield router

    def _fitted(self, p: float) -> Routable:
        router = self._contender.make(self._seed, self._parts.test.panel.models, p)
        if self._mode != "online":
            try:
                router.fit(self._parts.fit)
            except BaseException:
                router.close()
                raise
        return router


def _singles(panel: Panel) -> dict[str, Point]:
    """Every model's own point, each on the rows that it has."""
    costs, qualities = single_models(panel)
    return {
        model: Point(cost, quality)
        for model, cost, quality in zip(
            panel.models, costs.tolist(), qualities.tolist(), strict=True
        )
    }


def _by_cost(panel: Panel, wanted: Sequence[str]) -> tuple[str, ...]:
    """The models whose costs are budgets, the cheapest first."""
    points = _singles(panel)
    for model in wanted:
        if model not in points:
            raise UnknownArmError(model, panel.models)
    named = dict.fromkeys(wanted or panel.models)
    return tuple(sorted(named, key=lambda model: points[model].cost_usd))
