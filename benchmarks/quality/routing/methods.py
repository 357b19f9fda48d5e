"""All that is compared, by name, each with the settings it may choose from."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from metallm.learners.paper import PaperLearner
from routing import baselines, candidates, offline, ours, players
from routing.peers import (
    bayesian,
    contextualbandits,
    factors,
    knn,
    mabwiser,
    mlp,
    pareto,
    ridge,
    vw,
)
from routing.peers import river as river_peer
from routing.peers.bandit import Setup
from routing.peers.full_ridge import FullRidgePlayer
from routing.split import Estimates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metallm.core.outcome import Recorded
    from routing.peers.bandit import Kind
    from routing.peers.quality import QualityKind
    from routing.players import Player
    from routing.split import Split
    from routing.table import Table

Group = Literal["ours", "peer", "baseline"]
OURS = "MetaLLM"
PAPER = "paper's algorithm"
RIDGE = ridge.KIND.name


@dataclass(frozen=True, slots=True)
class OfflineMethod:
    """Fit on a split, decide its rest.

    Args:
        name: as reports call it.
        group: what it is.
        settings: a name to what is passed to `figures`.
        figures: from a split and a setting to figures.
        version: bumped when the method itself has changed.
    """

    name: str
    group: Group
    settings: Mapping[str, Any]
    figures: Callable[[Split, Any], dict[str, Any]]
    version: str = "1"


@dataclass(frozen=True, slots=True)
class OnlineMethod:
    """Plays streams.

    Args:
        name: as reports call it.
        group: what it is.
        settings: a name to what is passed to `player`.
        player: from a table, p, a seed and a setting to a player that knows nothing yet.
        version: bumped when the method itself has changed.
    """

    name: str
    group: Group
    settings: Mapping[str, Any]
    player: Callable[[Table, float, int, Any], Player]
    version: str = "1"


def offline_methods(*, peers: bool) -> list[OfflineMethod]:
    """Ours first, then peers, then baselines."""
    methods = [OfflineMethod(OURS, "ours", candidates.OFFLINE, _ours_offline, _OURS_OFFLINE)]
    if peers:
        kinds = (ridge.KIND, knn.KIND, mlp.KIND, factors.KIND)
        methods += [_quality_method(kind) for kind in kinds if _there(kind)]
        methods.append(OfflineMethod(PAPER, "peer", _PLAIN, _paper_offline, _ESTIMATING))
    else:
        methods.append(_quality_method(ridge.KIND))
    methods.append(OfflineMethod("task-label router", "baseline", _PLAIN, _task_label, _ESTIMATING))
    methods += [
        OfflineMethod(name, "baseline", _PLAIN, partial(_baseline, name))
        for name in baselines.POINTS
    ]
    return methods


def online_methods(*, peers: bool) -> list[OnlineMethod]:
    """Ours first, then peers, then baselines."""
    methods = [OnlineMethod(OURS, "ours", candidates.ONLINE, _ours_online, candidates.LEARNER)]
    if peers:
        modules = (mabwiser, contextualbandits, vw, river_peer, bayesian, pareto)
        kinds = [kind for module in modules for kind in module.KINDS]
        methods += [_bandit_method(kind) for kind in kinds if _there(kind)]
        methods.append(OnlineMethod(PAPER, "peer", ours.PAPER_ALPHAS, _paper_online))
        methods.append(OnlineMethod("ridge shown all outcomes", "peer", _PLAIN, _full_ridge))
    simple: dict[str, Callable[[Table, float, int, Any], Player]] = {
        "random": lambda table, p, seed, setting: players.RandomPlayer(seed),  # noqa: ARG005
        "cheapest": lambda table, p, seed, setting: players.cheapest(table),  # noqa: ARG005
        "best of each task, afterwards": lambda table, p, seed, setting: players.best_of_task(  # noqa: ARG005
            table, p
        ),
        "oracle": lambda table, p, seed, setting: players.oracle(table, p),  # noqa: ARG005
    }
    methods += [OnlineMethod(name, "baseline", _PLAIN, make) for name, make in simple.items()]
    return methods


_PLAIN = {"-": None}
_ESTIMATING = f"1, figures {offline.FIGURES}"
_OURS_OFFLINE = f"{candidates.LEARNER}, figures {offline.FIGURES}"


def _there(kind: Kind | QualityKind) -> bool:
    if not kind.installed:
        print(f"skipped: {kind.name}: the package {kind.package} is missing", file=sys.stderr)
    return kind.installed


def _ours_offline(split: Split, setting: Any) -> dict[str, Any]:
    return offline.estimated_figures(split, ours.offline(split, setting))


def _task_label(split: Split, setting: Any) -> dict[str, Any]:
    del setting
    return offline.estimated_figures(split, baselines.task_label(split))


def _baseline(name: str, split: Split, setting: Any) -> dict[str, Any]:
    del setting
    return offline.baseline_figures(split, name)


def _quality_method(kind: QualityKind) -> OfflineMethod:
    def figures(split: Split, setting: Any) -> dict[str, Any]:
        train, test = split.contexts
        model = kind.make(split.shuffle, **setting)
        model.fit(train, split.learned.quality)
        return offline.estimated_figures(split, split.with_learned_costs(model.predict(test)))

    return OfflineMethod(kind.name, "peer", kind.settings, figures, _ESTIMATING)


def _paper_offline(split: Split, setting: Any) -> dict[str, Any]:
    """The paper's ridge on the reward, for every p at once.

    It is linear in its targets, so that its reward at p is that at 0 less p times the difference
    to that at 1.
    """
    del setting
    table, panel = split.table, split.learned
    bare = table.contexts[:, : -table.features]
    costs = np.nanmean(panel.cost_usd, axis=0)
    recorded = _recorded(split)
    rewards = []
    for p in (0.0, 1.0):
        learner = PaperLearner(bare.shape[1], cost_weight=p)
        learner.fit(recorded, costs / panel.cost_scale)
        rewards.append(learner.estimate(bare[split.test], panel.models)[0])
    quality, at_one = rewards
    found = Estimates(quality, (quality - at_one) * panel.cost_scale, panel.cost_scale)
    return offline.estimated_figures(split, found)


def _recorded(split: Split) -> Recorded:
    from metallm.core.outcome import Recorded

    table, train = split.table, split.train
    return Recorded(
        table.contexts[train][:, : -table.features],
        table.panel.models,
        split.learned.quality,
        split.learned.cost_usd,
        table.input_tokens[train],
        table.recordings.output_tokens[train],
        table.list_usd[train],
    )


def _ours_online(table: Table, p: float, seed: int, setting: Any) -> Player:
    return players.OurPlayer(table, ours.online(table, setting, p, seed))


def _paper_online(table: Table, p: float, seed: int, setting: Any) -> Player:
    return players.OurPlayer(table, ours.paper(table, setting, p, seed))


def _full_ridge(table: Table, p: float, seed: int, setting: Any) -> Player:
    del seed, setting
    return FullRidgePlayer(table, table.all_directions, p)


def _bandit_method(kind: Kind) -> OnlineMethod:
    def player(table: Table, p: float, seed: int, setting: Any) -> Player:
        contexts = table.all_directions
        bandit = kind.make(Setup(contexts.shape[1], table.arms, seed, p), **setting)
        return players.PeerPlayer(table, bandit, contexts, p)

    return OnlineMethod(kind.name, "peer", kind.settings, player)
