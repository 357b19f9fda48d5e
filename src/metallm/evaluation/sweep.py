"""Sweeps the cost weight: one fit, then the same rows decided at many trade-offs.

One cost weight gives one point; the points together are the router's frontier, which tells what it
saves at a given quality and how much of the way to the oracle it goes.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError
from metallm.evaluation.baselines import Performance, measure
from metallm.evaluation.frontier import Standing, standing
from metallm.evaluation.panel import panel_of
from metallm.evaluation.replay import TRAIN_SHARE
from metallm.evaluation.stream import Stream, without_feedback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.evaluation.stream import Routable
    from metallm.tables.recordings import Recordings

COST_WEIGHTS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One seed's frontier.

    Args:
        seed: of the shuffle and of the router.
        cost_weights: m values of p.
        points: the router's performance at each of them.
        standing: how the frontier through these points compares.
    """

    seed: int
    cost_weights: tuple[float, ...]
    points: tuple[Performance, ...]
    standing: Standing


def sweep(
    recordings: Recordings,
    make_router: Callable[[int, Sequence[str]], Routable],
    *,
    seed: int = 0,
    cost_weights: Sequence[float] = COST_WEIGHTS,
    tell_task: bool = False,
) -> Sweep:
    """Fit a router on 75 % of the rows and decide the rest at every cost weight, no feedback.

    Args:
        recordings: what the models answered; models without any cost are left out.
        make_router: called with the seed and the names of the models; closed at the end.
        seed: of the shuffle and of the router; the split is that of `replay` with this seed.
        cost_weights: values of p, 0 and up.
        tell_task: as for `replay`.

    Raises:
        InputError: no cost weights, too few rows, or rows that some model has no answers in.
        UnknownArmError: the router chose a model that is not on record.
    """
    panel = panel_of(recordings.models, recordings.score, recordings.cost_usd)
    train_rows = round(TRAIN_SHARE * len(panel.rows))
    if not cost_weights or train_rows >= len(panel.rows):
        raise InputError("a sweep needs at least one cost weight and three rows")
    if not tell_task:
        recordings = replace(recordings, datasets=("",) * len(recordings))
    recordings = recordings.with_arms(panel.models)
    order = np.random.default_rng(seed).permutation(len(panel.rows))
    stream = Stream.of(recordings, panel.take(order[train_rows:]))
    points = []
    with closing(make_router(seed, panel.models)) as router:
        router.fit(recordings.subset(panel.rows[order[:train_rows]]))
        for p in cost_weights:
            chosen = without_feedback(router, stream, p)
            points.append(measure(stream.panel, chosen, cost_weight=p, cost_scale=panel.cost_scale))
    found = standing(
        stream.panel,
        np.array([point.cost_usd for point in points]),
        np.array([point.quality for point in points]),
    )
    return Sweep(seed, tuple(cost_weights), tuple(points), found)
