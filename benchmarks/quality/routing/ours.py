"""MetaLLM itself: the router's engine over a table, with texts that were embedded before."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from metallm.assembly import PAPER_ALPHA
from metallm.learners.blend import BlendLearner
from metallm.learners.cost import CostLearner
from metallm.learners.paper import PaperLearner
from metallm.policies.linucb import LinUCBPolicy
from metallm.policies.simple import GreedyPolicy
from metallm.policies.squarecb import SquareCBPolicy
from metallm.router.engine import Engine
from metallm.store.memory import MemoryStore
from routing.memo import MemoEmbedder
from routing.split import Estimates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.protocols import Embedder, Learner, Policy
    from metallm.learners.blend import BlendSettings
    from routing.candidates import OnlineSettings
    from routing.split import Split
    from routing.table import Table


def offline(split: Split, settings: BlendSettings) -> Estimates:
    """What the router believes after a warm start on the rows to learn from."""
    table = split.table
    learner = BlendLearner(table.embedder.dim, seed=split.shuffle, settings=settings)
    engine = engine_of(table, learner, GreedyPolicy(), seed=split.shuffle)
    teach(engine, table, split.train)
    seen = engine.decide_many([table.recordings.texts[row] for row in split.test])
    engine.close()
    beliefs = [[each.estimates[model] for model in table.panel.models] for each in seen]
    return Estimates(
        np.array([[one.quality for one in row] for row in beliefs]),
        np.array([[np.nan if one.cost_usd is None else one.cost_usd for one in row]
                  for row in beliefs]),
        seen[0].cost_scale,
        np.array([[one.uncertainty for one in row] for row in beliefs]),
    )  # fmt: skip


def online(table: Table, settings: OnlineSettings, cost_weight: float, seed: int) -> Engine:
    """The router as it explores."""
    learner = BlendLearner(table.embedder.dim, seed=seed, settings=settings.blend)
    policy = SquareCBPolicy(settings.gamma, settings.optimism)
    return engine_of(table, learner, policy, cost_weight=cost_weight, seed=seed)


def paper(table: Table, alpha: float, cost_weight: float, seed: int) -> Engine:
    """The paper's algorithm: disjoint LinUCB on the bare embedding, the reward regressed itself."""
    embedder = bare_embedder(table)
    return engine_of(
        table,
        PaperLearner(embedder.dim, cost_weight=cost_weight),
        LinUCBPolicy(alpha, name="paper"),
        cost_weight=cost_weight,
        seed=seed,
        embedder=embedder,
    )


PAPER_ALPHAS = {"α .25": PAPER_ALPHA, "α 0 (its code)": 0.0, "α 1": 1.0}


def bare_embedder(table: Table) -> MemoEmbedder:
    """The sentence embedding without the cheap features."""
    return MemoEmbedder(table.embedder, entries=table.embedder.dim - table.features)


def engine_of(
    table: Table,
    learner: Learner,
    policy: Policy,
    *,
    cost_weight: float = 0.2,
    seed: int = 0,
    embedder: Embedder | None = None,
) -> Engine:
    """A router's engine, put together as `metallm.Router` does, its log in memory.

    Args:
        table: whose models are the arms.
        learner: of quality.
        policy: from estimates to probabilities.
        cost_weight: p.
        seed: of every draw.
        embedder: text to context; None for the default one with the cheap features.
    """
    numbers = count()
    return Engine(
        table.arms,
        embedder=embedder or table.embedder,
        learner=learner,
        costs=CostLearner(table.features if embedder is None else 0),
        policy=policy,
        store=MemoryStore(),
        clock=time.time,
        new_id=lambda: f"dec_{next(numbers)}",
        cost_weight=cost_weight,
        seed=seed,
    )


def teach(engine: Engine, table: Table, rows: NDArray[np.intp]) -> None:
    """A warm start on fully recorded rows, with their references; no task is told."""
    known = table.recordings.subset(rows)
    recorded = replace(known, datasets=("",) * len(known))
    engine.learn(
        recorded.texts,
        arms=table.panel.models,
        quality=table.panel.quality[rows],
        cost_usd=table.panel.cost_usd[rows],
        output_tokens=recorded.output_tokens,
        labels=recorded.labels(),
    )
