"""Decisions per second of an offline replay from contexts, in batches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.chance import draw, uniform
from metallm.core.protocols import View
from metallm.policies.squarecb import SquareCBPolicy

if TYPE_CHECKING:
    from metallm.core.arrays import Context
    from metallm.learners.blend import BlendLearner

BATCH = 2048
"""Queries that are decided together."""


def replayed_per_second(
    learner: BlendLearner, names: tuple[str, ...], contexts: Context, *, repeats: int
) -> float:
    """Median over repeats of n decisions (estimates, probabilities, draw) over seconds."""
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        _replay(learner, names, contexts)
        rates.append(len(contexts) / (time.perf_counter() - start))
    return float(np.median(rates))


def _replay(learner: BlendLearner, names: tuple[str, ...], contexts: Context) -> list[int]:
    policy = SquareCBPolicy()
    chosen = []
    for first in range(0, len(contexts), BATCH):
        quality, spread = learner.estimate(contexts[first : first + BATCH], names)
        chances = policy.probabilities(View(quality, spread, 2000), names)
        chosen += [draw(row, uniform(0, first + place)) for place, row in enumerate(chances)]
    return chosen
