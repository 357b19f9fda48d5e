"""Replays recorded outcomes through a router, as if the queries came in one after the other.

Every model's answer to every query is on record, so what the router would have got for its choice
is known and nothing has to be estimated. The router is shown the chosen model's outcome only.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError
from metallm.evaluation.baselines import BEST, baselines, measure
from metallm.evaluation.panel import panel_of
from metallm.evaluation.results import MODES, Replay, Run
from metallm.evaluation.stream import Stream, with_feedback, without_feedback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from metallm.evaluation.panel import Panel
    from metallm.evaluation.results import Mode
    from metallm.evaluation.stream import Routable
    from metallm.tables.recordings import Recordings

TRAIN_SHARE = 0.75
CURVE_AT = (300, 1000)


def replay(
    recordings: Recordings,
    make_router: Callable[[int, Sequence[str]], Routable],
    *,
    mode: Mode,
    cost_weight: float,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    tell_task: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Replay:
    """Replay recordings through a new router for each seed.

    Modes: "offline" fits on 75 % of the rows and decides the rest without feedback; "hybrid" does
    the same with feedback after every decision; "online" starts knowing nothing and decides all
    rows with feedback, so its figures hold the price of learning.

    Args:
        recordings: what the models answered; models without any cost are left out.
        make_router: called with a seed and the names of the models; closed after its seed.
        mode: how the router learns.
        cost_weight: p in reward = quality − p · cost / (the dearest model's mean cost).
        seeds: one shuffle and one router each.
        tell_task: tell the router each query's data set as its task; else it is told none, in
            the fit neither.
        progress: called with rows decided and rows in all, over all seeds.

    Raises:
        InputError: an unknown mode, no seeds, too few rows, no costs, or rows that some model
            has no answers in.
        UnknownArmError: the router chose a model that is not on record.
    """
    if mode not in MODES:
        raise InputError(f"the mode is one of {', '.join(MODES)}, not {mode!r}")
    panel = panel_of(recordings.models, recordings.score, recordings.cost_usd)
    train_rows = 0 if mode == "online" else round(TRAIN_SHARE * len(panel.rows))
    decided = len(panel.rows) - train_rows
    if not seeds or not decided:
        raise InputError(
            f"a replay needs at least one seed and three rows, not {len(seeds)} and "
            f"{len(panel.rows)}"
        )
    if not tell_task:
        recordings = replace(recordings, datasets=("",) * len(recordings))
    recordings = recordings.with_arms(panel.models)
    count = _counter(progress, decided * len(seeds))
    runs = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(panel.rows))
        stream = Stream.of(recordings, panel.take(order[train_rows:]))
        with closing(make_router(seed, panel.models)) as router:
            if mode != "online":
                router.fit(recordings.subset(panel.rows[order[:train_rows]]))
            play = without_feedback if mode == "offline" else with_feedback
            chosen = play(router, stream, cost_weight, count)
        runs.append(_run(seed, stream.panel, chosen, cost_weight, panel.cost_scale))
    return Replay(mode, cost_weight, panel.cost_scale, panel.models, panel.left_out, tuple(runs))


def _counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[int], None]:
    done = 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done, total)

    return count


def _run(
    seed: int, panel: Panel, chosen: NDArray[np.intp], cost_weight: float, cost_scale: float
) -> Run:
    found = measure(panel, chosen, cost_weight=cost_weight, cost_scale=cost_scale)
    beside = baselines(
        panel, cost_weight=cost_weight, cost_scale=cost_scale, mix_cost_usd=found.cost_usd
    )
    rows = len(chosen)
    reward = panel.reward(cost_weight, cost_scale)
    fixed = reward[:, panel.models.index(str(beside[BEST].model))]
    # in a row that the best model lacks, its mean stands for it
    fixed = np.where(np.isnan(fixed), beside[BEST].reward, fixed)
    ahead = np.cumsum(reward[np.arange(rows), chosen] - fixed)
    counts = np.bincount(chosen, minlength=len(panel.models)) / rows
    return Run(
        seed=seed,
        rows=rows,
        performance=found,
        regret_fixed=beside[BEST].reward - found.reward,
        baselines=beside,
        shares=dict(zip(panel.models, counts.tolist(), strict=True)),
        curve={length: float(ahead[length - 1]) for length in (*CURVE_AT, rows) if length <= rows},
    )
