"""What further calls are worth in a multiple choice: letters of options, which no text tells.

A router is fitted on three quarters of a recorded file's questions, all outcomes shown, and answers
the rest at several cost weights, greedily and without feedback: with one call, two and three. Each
number of calls draws a frontier, and closes a share of the gap between mixing single models blindly
and knowing each answer beforehand (`metallm.evaluation.frontier`). All calls are paid for.

Beside it streams as of other files: a router that starts knowing nothing is told each right letter
after its answer, and figures are of the last half.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import metallm
from classifying.bench import VERSION, last_half
from classifying.kept import Kept
from classifying.stream import Setting, play
from classifying.table import RecordedProvider
from metallm.core.task import Task
from metallm.evaluation.frontier import standing
from metallm.evaluation.panel import panel_of
from metallm.evaluation.replay import TRAIN_SHARE
from metallm.tables.label_sets import label_sets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifying.table import ClassTable
    from metallm.core.arrays import FloatArray
    from metallm.evaluation.panel import Panel

CALLS = (1, 2, 3)
"""One is routing alone."""

COST_WEIGHTS = (0.0, 0.02, 0.04, 0.06, 0.09, 0.13, 0.2, 0.35, 1.0, 3.0)
"""Of the frontier: from where money is no object to where nothing but the cheapest is asked."""

STREAM_WEIGHTS = (0.1, 1.0)
"""Of the streams."""


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What came of n shuffles.

    Args:
        table: what was recorded.
        gaps: by number of calls, shape (n,), the share of the gap that was closed.
        asked: by number of calls, shape (n,), calls a question, mean over the cost weights.
        streams: by number of calls and cost weight, the last half of each of n streams.
    """

    table: ClassTable
    gaps: Mapping[int, FloatArray]
    asked: Mapping[int, FloatArray]
    streams: Mapping[tuple[int, float], Sequence[Mapping[str, float]]]

    @property
    def shuffles(self) -> int:
        """How many there were."""
        return len(self.gaps[CALLS[0]])

    @property
    def questions(self) -> int:
        """How many are answered at each cost weight of a shuffle."""
        return len(_rows(self.table, 0)[1])


def is_choice(table: ClassTable) -> bool:
    """Whether labels are letters that stand for other options in every question."""
    letters = {letter for each in table.labels.values() for letter in each}
    single = all(len(letter) == 1 and letter.isupper() for letter in letters)
    return single and not label_sets(table.recordings)


def measured(table: ClassTable, shuffles: int, results: Path | None) -> Choices:
    """Do what is not done yet; some five minutes of processor time a shuffle of mmlupro.

    Args:
        table: a recorded multiple choice.
        shuffles: of its questions.
        results: file of what is finished; None keeps nothing.
    """
    kept = Kept(results, VERSION)
    jobs = list(_jobs(table.name, shuffles))
    for number, job in enumerate(jobs, start=1):
        if job not in kept:
            kept.put(job, _done(table, job))
            print(f"{table.name}: {number}/{len(jobs)}", file=sys.stderr, flush=True)
    frontiers = {
        calls: np.array([
            [found["gap"], found["calls"]]
            for found in (kept[_frontier(table.name, calls, each)] for each in range(shuffles))
        ])
        for calls in CALLS
    }  # fmt: skip
    streams = {
        (calls, weight): [kept[_stream(table.name, calls, weight, n)] for n in range(shuffles)]
        for calls in CALLS
        for weight in STREAM_WEIGHTS
    }
    gaps = {calls: found[:, 0] for calls, found in frontiers.items()}
    asked = {calls: found[:, 1] for calls, found in frontiers.items()}
    return Choices(table, gaps, asked, streams)


def _jobs(file: str, shuffles: int) -> list[dict[str, Any]]:
    """All there are, by shuffle."""
    return [
        job
        for shuffle in range(shuffles)
        for calls in CALLS
        for job in (
            _frontier(file, calls, shuffle),
            *(_stream(file, calls, weight, shuffle) for weight in STREAM_WEIGHTS),
        )
    ]


def _frontier(file: str, calls: int, shuffle: int) -> dict[str, Any]:
    return {"choice": file, "calls": calls, "shuffle": shuffle}


def _stream(file: str, calls: int, weight: float, shuffle: int) -> dict[str, Any]:
    return {**_frontier(file, calls, shuffle), "cost_weight": weight}


def _done(table: ClassTable, job: Mapping[str, Any]) -> dict[str, Any]:
    calls, shuffle = job["calls"], job["shuffle"]
    if "cost_weight" not in job:
        return _gap(table, shuffle, calls)
    setting = Setting(job["cost_weight"], calls, student=calls > 1)
    order = np.random.default_rng(shuffle).permutation(len(table.recordings))
    found = last_half(table, play(table, order, setting, seed=shuffle, choice=True))
    return {name: float(found[name]) for name in ("accuracy", "best", "share", "calls")}


def _rows(table: ClassTable, shuffle: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to learn from, and rows to answer."""
    order = np.random.default_rng(shuffle).permutation(len(table.recordings))
    cut = round(TRAIN_SHARE * len(order))
    return order[:cut], order[cut:]


def _gap(table: ClassTable, shuffle: int, calls: int) -> dict[str, Any]:
    """The share of the gap that is closed, and calls a question."""
    train, rows = _rows(table, shuffle)
    recordings = table.recordings
    panel = panel_of(recordings.models, recordings.score[rows], recordings.cost_usd[rows])
    points = asyncio.run(_points(table, train, rows.tolist(), panel, calls, shuffle))
    cost_usd, quality, asked = np.array(points).T
    gap = standing(panel, cost_usd, quality).gap_closed
    return {"gap": float(gap), "calls": float(asked.mean())}


async def _points(
    table: ClassTable,
    train: NDArray[np.intp],
    rows: Sequence[int],
    panel: Panel,
    calls: int,
    seed: int,
) -> list[tuple[float, float, float]]:
    """At each cost weight: mean USD of all calls, share of right letters, calls a question.

    Bills are learned from as they come, whether a letter was right is not.
    """
    provider = RecordedProvider(table)
    router = metallm.Router(
        table.arms, policy="greedy", student=calls > 1, provider=provider, seed=seed
    )
    router.fit(table.recordings.subset(train))
    names, letters, points = np.array(panel.models), _letters(table), []
    for weight in COST_WEIGHTS:
        found = np.zeros((len(rows), 3))
        for place, row in enumerate(rows):
            provider.row = row
            answer = await router.classify(
                table.recordings.texts[row],
                Task(table.recordings.datasets[row], "choice", letters),
                arms=names[panel.known[place]].tolist(),
                cost_weight=weight,
                max_calls=calls,
            )
            spent = sum(_bill(panel, place, call.arm) for call in answer.calls)
            right = answer.label == table.recordings.references[row]
            found[place] = spent, right, len(answer.calls)
        cost_usd, quality, asked = found.mean(axis=0).tolist()
        points.append((cost_usd, quality, asked))
    await router.aclose()
    return points


def _bill(panel: Panel, place: int, arm: str) -> float:
    return float(panel.cost_usd[place, panel.models.index(arm)])


def _letters(table: ClassTable) -> tuple[str, ...]:
    return tuple(sorted({letter for each in table.labels.values() for letter in each}))
