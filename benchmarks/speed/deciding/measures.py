"""All measures, printed as they come and returned as figures by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deciding.alone import in_numpy_alone
from deciding.fitting import fitted
from deciding.growth import Scales, growth
from deciding.ours import BlendPlayer, ReducedPlayer, RidgePlayer
from deciding.paper import PaperPlayer
from deciding.peers import PEERS, installed
from deciding.player import Stream, played
from deciding.replaying import replayed_per_second
from deciding.text import text_timings
from metallm import inner

if TYPE_CHECKING:
    from deciding.player import Player
    from deciding.timing import Timing

ARMS = 12
RIDGE_DIM = 33
"""A bias and 32 numbers."""
BLEND_DIM = 292
"""The default embedder's contexts."""
PAPER_DIM = 256
"""The paper's contexts: a bare embedding."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Args:
        blocks: blocks of calls, of which the median is told.
        calls: calls in a block of the quick measures; slow ones take fewer.
        outcomes: learned before anything is timed.
        fit_rows: rows of the fit.
        replay_rows: rows of the replay.
        scales: of the growth table.
        with_peers: whether other bandits take part.
    """

    blocks: int
    calls: int
    outcomes: int
    fit_rows: int
    replay_rows: int
    scales: Scales
    with_peers: bool


FULL = Effort(15, 1000, 2000, 100_000, 20_000, Scales(), with_peers=True)
QUICK = Effort(2, 10, 100, 400, 200, Scales((2,), (16,), (200,)), with_peers=False)

Figures = dict[str, float]


def measured(effort: Effort) -> Figures:
    """Every measure."""
    loops = "compiled" if inner.COMPILED else "numpy alone"
    print(f"median of blocks (quartiles; blocks × calls), one thread; inner loops: {loops}")
    figures: Figures = {}
    figures |= _ours(effort)
    figures |= _pure(effort)
    figures |= _peers(effort)
    figures |= _paper(effort)
    for name, timing in text_timings(
        arms=ARMS, outcomes=effort.outcomes, blocks=effort.blocks, calls=effort.calls
    ).items():
        figures[name] = _told(name, timing)
    figures |= _fit(effort)
    figures |= _growth(effort)
    return figures


def _told(name: str, timing: Timing) -> float:
    print(f"{name:36}{timing}")
    return timing.us


def _timed(players: dict[str, Player], dim: int, effort: Effort, slower: int = 1) -> Figures:
    """`decide_us` and `update_us` of players that take turns, each with its suffix."""
    timings = played(
        list(players.values()),
        Stream.made_up(ARMS, dim),
        warm_up=effort.outcomes if slower < 10 else effort.outcomes // 4,
        blocks=effort.blocks,
        calls=max(effort.calls // slower, 5),
    )
    figures: Figures = {}
    for suffix, (decide, update) in zip(players, timings, strict=True):
        figures[f"decide_us{suffix}"] = _told(f"decide_us{suffix}", decide)
        figures[f"update_us{suffix}"] = _told(f"update_us{suffix}", update)
    return figures


def _ratio(figures: Figures, theirs: str, ours: str) -> float:
    """Their decision and update over ours, by suffix."""
    of_theirs, of_ours = (
        figures[f"decide_us{suffix}"] + figures[f"update_us{suffix}"] for suffix in (theirs, ours)
    )
    return of_theirs / of_ours


def _ours(effort: Effort) -> Figures:
    figures, blend = ridge_and_blend(effort)
    contexts = Stream.made_up(ARMS, BLEND_DIM, effort.replay_rows, seed=1).contexts
    rate = replayed_per_second(
        blend.learner, blend.names, contexts.astype(np.float32), repeats=min(effort.blocks, 5)
    )
    print(f"{'replay_per_s':36}{rate:9,.0f}")
    return {**figures, "replay_per_s": rate}


def ridge_and_blend(effort: Effort) -> tuple[Figures, BlendPlayer]:
    """Decisions and updates of the ridge and of the default learner, and that learner's player."""
    figures = _timed({"": RidgePlayer(ARMS, RIDGE_DIM)}, RIDGE_DIM, effort)
    blend = BlendPlayer(ARMS, BLEND_DIM)
    return figures | _timed({"_blend": blend}, BLEND_DIM, effort, slower=2), blend


def _pure(effort: Effort) -> Figures:
    """The same in numpy alone, each figure with `_pure`."""
    figures = {
        f"{name}_pure": value
        for name, value in in_numpy_alone(effort.blocks, effort.calls, effort.outcomes).items()
    }
    for name, value in figures.items():
        print(f"{name:36}{value:9.1f} µs")
    return figures


def _peers(effort: Effort) -> Figures:
    """Predict and update of each peer over ours, at the same K and d, block by block in turn."""
    if not effort.with_peers:
        print(f"skipped: {', '.join(PEERS)} (left out)")
        return {}
    makers, skipped = installed()
    for name, why in skipped.items():
        print(f"skipped: {name}: {why}")
    figures: Figures = {}
    for name, make in makers.items():
        beside = f"_beside_{name}"
        players: dict[str, Player] = {
            beside: RidgePlayer(ARMS, RIDGE_DIM),
            f"_{name}": make(ARMS, RIDGE_DIM),
        }
        figures |= _timed(players, RIDGE_DIM, effort, slower=10)
        figures[f"vs_{name}"] = ratio = _ratio(figures, f"_{name}", beside)
        print(f"{f'vs_{name}':36}{ratio:9.1f} times ours ({PEERS[name][1]})")
    return figures


def _paper(effort: Effort) -> Figures:
    """The paper's code path over ours, both from the paper's contexts."""
    players: dict[str, Player] = {
        "_reduced": ReducedPlayer(ARMS, Stream.made_up(ARMS, PAPER_DIM).contexts),
        "_paper": PaperPlayer(ARMS, PAPER_DIM),
    }
    figures = _timed(players, PAPER_DIM, effort, slower=100)
    ratio = _ratio(figures, "_paper", "_reduced")
    print(f"{'vs_paper':36}{ratio:9.1f} times ours (an inverse per arm and query)")
    return {**figures, "vs_paper": ratio}


def _fit(effort: Effort) -> Figures:
    found = fitted(effort.fit_rows, ARMS, BLEND_DIM)
    print(
        f"{'fit_s':36}{found.seconds:9.2f} s for {effort.fit_rows:,} rows × {ARMS} arms, peak "
        f"{found.memory_ratio:.2f} times the matrices ({found.matrix_bytes / 2**20:.0f} MiB)"
    )
    return {"fit_s": found.seconds, "fit_memory_ratio": found.memory_ratio}


def _growth(effort: Effort) -> Figures:
    rows = growth(effort.scales, blocks=min(effort.blocks, 7), calls=effort.calls // 4)
    print(f"\n{'arms':>6}{'d':>7}{'outcomes':>11}{'decide, µs':>12}{'update, µs':>12}")
    figures: Figures = {}
    for row in rows:
        print(
            f"{row.arms:6}{row.dim:7}{row.outcomes:11,}{row.decide.us:12.1f}{row.update.us:12.1f}"
        )
        at = f"k{row.arms}.d{row.dim}.n{row.outcomes}"
        figures[f"decide_us.{at}"], figures[f"update_us.{at}"] = row.decide.us, row.update.us
    return figures
