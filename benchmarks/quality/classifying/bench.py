"""What is run: streams by file, setting, cost weight and shuffle, each kept and found again."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from classifying.kept import Kept
from classifying.stream import Setting, play

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from classifying.stream import Stream
    from classifying.table import ClassTable

VERSION = "1"
"""Bump it when the learners or what is measured have changed: all is then run anew."""

SETTINGS: Mapping[str, Setting] = {
    "routing": Setting(0.0, 1, student=False),
    "student": Setting(0.0),
    "evidence": Setting(0.0, 2),
    "audit": Setting(0.0, audit=0.1, labels=0.0),
    "labels5": Setting(0.0, audit=0.1, labels=0.05),
    "labels5 alone": Setting(0.0, 2, labels=0.05),
    "student alone": Setting(0.0, policy="greedy"),
}
"""By name, but for the cost weight: the first three and the last are told every label."""

TOLD_ALL = ("routing", "student", "evidence")

COST_WEIGHTS = (0.1, 1.0, 6.0)
"""Prices put on money: low, middling and high. They are no settings of the learner."""

AUDIT_WEIGHT = 30.0
"""One more where a reference's answers are labels, for its own are then always right."""

NEVER_ASK = 1e9
"""Of the student alone: no arm is worth its cost, once there is a student."""

SHIFTS = (("semeval_stance", "ibc"), ("ibc", "semeval_stance"))
"""Pairs of recorded tasks with the same labels: the second is the topic that comes at half."""

SHIFT_WEIGHT = 6.0
SHIFT_HALF = 400
SHIFT_TIMES = 5


@dataclass(frozen=True, slots=True)
class Job:
    """One stream.

    Args:
        file: name of the table.
        setting: name in `SETTINGS`.
        cost_weight: p.
        shuffle: of the rows, and the router's seed.
        shift: of a stream whose topic changes, the two tasks; empty for the file's own rows.
    """

    file: str
    setting: str
    cost_weight: float
    shuffle: int
    shift: tuple[str, str] | tuple[()] = ()


class Bench:
    """All streams of some files.

    Args:
        tables: by name.
        shuffles: of every file.
        path: of the file of results; None keeps them for this run alone.
    """

    def __init__(self, tables: Mapping[str, ClassTable], shuffles: int, path: Path | None) -> None:
        self.tables = tables
        self.shuffles = shuffles
        self._kept = Kept(path, VERSION)

    @property
    def shift_shuffles(self) -> int:
        """Shuffles of a change of topic: short streams, and the worst window of few is luck."""
        return SHIFT_TIMES * self.shuffles

    def figures(self, job: Job) -> dict[str, Any]:
        """What a finished job came to."""
        return self._kept[asdict(job)]

    def jobs(self) -> Iterator[Job]:
        """All there are."""
        for shuffle in range(self.shuffles):
            for name in self.tables:
                for setting in SETTINGS:
                    for weight in weights_of(setting):
                        yield Job(name, setting, weight, shuffle)
        for shuffle in range(self.shift_shuffles):
            for name, table in self.tables.items():
                for shift in shifts_of(table):
                    for setting in ("routing", "student"):
                        yield Job(name, setting, SHIFT_WEIGHT, shuffle, shift)

    def run(self, processes: int) -> None:
        """Do what is not done yet."""
        left = [job for job in self.jobs() if asdict(job) not in self._kept]
        if not left:
            return
        context = get_context("fork")
        with ProcessPoolExecutor(processes, context, _keep, (self.tables,)) as pool:
            running = {pool.submit(_done, job): job for job in left}
            for number, future in enumerate(as_completed(running), start=1):
                self._kept.put(asdict(running[future]), future.result())
                if number % 10 == 0 or number == len(left):
                    print(f"{number}/{len(left)} streams", file=sys.stderr, flush=True)


def weights_of(setting: str) -> tuple[float, ...]:
    """The cost weights that a setting is run with."""
    if setting == "student alone":
        return (NEVER_ASK,)
    return COST_WEIGHTS if SETTINGS[setting].audit is None else (*COST_WEIGHTS, AUDIT_WEIGHT)


def shifts_of(table: ClassTable) -> list[tuple[str, str]]:
    """The changes of topic that a file can show."""
    return [pair for pair in SHIFTS if set(pair) <= table.labels.keys()]


_TABLES: dict[str, ClassTable] = {}


def _keep(tables: Mapping[str, ClassTable]) -> None:
    """A process of the pool keeps what it was born with."""
    _TABLES.update(tables)


def _done(job: Job) -> dict[str, Any]:
    table = _TABLES[job.file]
    setting = replace(SETTINGS[job.setting], cost_weight=job.cost_weight)
    rng = np.random.default_rng(job.shuffle)
    if job.shift:
        order = np.concatenate([_rows(table, task, rng) for task in job.shift])
        stream = play(table, order, setting, seed=job.shuffle, task="the same name for both")
        return {"right": stream.right.tolist(), "own": stream.by_student.astype(int).tolist()}
    order = rng.permutation(len(table.recordings))
    return last_half(table, play(table, order, setting, seed=job.shuffle))


def _rows(table: ClassTable, task: str, rng: np.random.Generator) -> NDArray[np.intp]:
    """`SHIFT_HALF` rows of a task, or all, in random order."""
    names = np.array(table.recordings.datasets)
    return rng.permutation(np.flatnonzero(names == task))[:SHIFT_HALF]


def last_half(table: ClassTable, stream: Stream) -> dict[str, Any]:
    """The figures of the last half of a stream."""
    later = slice(len(stream.order) // 2, None)
    rows, best = stream.order[later], table.best
    right, own = stream.right[later], stream.by_student[later]
    theirs, bill = table.quality[rows], table.cost_usd
    names = np.array(table.tasks_of(rows))
    return {
        "accuracy": right.mean(),
        "best": theirs[:, best].mean(),
        "share": stream.cost_usd[later].sum() / bill[rows, best].sum(),
        "share_whole": stream.cost_usd.sum() / bill[stream.order, best].sum(),
        "calls": stream.calls[later].mean(),
        "own": own.mean(),
        "oracle": theirs.max(axis=1).mean(),
        "random": theirs.mean(),
        "cheap": theirs[:, table.cheapest].mean(),
        "majority": _majority(table, rows),
        "best_per_task": float(np.mean([table.best_of[task][row] for task, row in zip(
            names.tolist(), rows.tolist(), strict=True)])),
        "tasks": {task: right[names == task].mean() for task in sorted(set(names.tolist()))},
        "own_sure": stream.confidence[later][own].round(4).tolist(),
        "own_right": right[own].astype(int).tolist(),
        "own_us": float(np.median(stream.seconds[later][own]) * 1e6) if own.any() else None,
    }  # fmt: skip


def _majority(table: ClassTable, rows: NDArray[np.intp]) -> float:
    """Accuracy of the label that most of the cheaper half of models name, the cheapest on ties."""
    said = table.recordings.responses[rows][:, table.cheap_half]
    truth = [str(table.recordings.references[row]) for row in rows.tolist()]
    right = 0
    for answers, label in zip(said.tolist(), truth, strict=True):
        right += max(answers, key=answers.count) == label
    return right / len(rows)
