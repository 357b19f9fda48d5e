"""Runs jobs: settings first on a few shuffles, then each file with the setting it was given."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from routing import online
from routing.ledger import Job, key
from routing.nested import Choice, choose
from routing.split import Split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from routing.ledger import Ledger
    from routing.methods import OfflineMethod, OnlineMethod
    from routing.table import Table

OFFLINE = "offline"
COLD = "cold"
WARM = tuple(f"warm{rows}" for rows in online.WARM_ROWS)
LATE, NEVER = "late", "never"
PEER_KINDS = (COLD, "warm25", "warm100")
"""Streams that peers and baselines are played on."""

PEER_TUNING_WEIGHT = online.COST_WEIGHTS[1]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is run.

    Args:
        shuffles: of every file.
        tuning_shuffles: on which settings are compared.
        peer_shuffles: of the streams of other bandits, which are slow.
        jobs: processes.
    """

    shuffles: int = 10
    tuning_shuffles: int = 3
    peer_shuffles: int = 3
    jobs: int = 1


@dataclass(eq=False)
class Bench:
    """All tables and methods of a run.

    Args:
        tables: by name.
        offline: methods.
        online: methods.
        ledger: what is known already.
        plan: how much is run.

    Attributes:
        choices: by "offline" or "online" and method, which setting each file got.
    """

    tables: Mapping[str, Table]
    offline: Sequence[OfflineMethod]
    online: Sequence[OnlineMethod]
    ledger: Ledger
    plan: Plan
    choices: dict[tuple[str, str], Choice] = field(default_factory=dict)
    _split: Split | None = None

    def run_offline(self) -> None:
        """Every offline method: its settings, then all shuffles."""
        jobs: list[Job] = []
        for method in self.offline:
            jobs += self._tuning(method, OFFLINE, self.plan.tuning_shuffles, (None,))
        self._finish(jobs)
        rest: list[Job] = []
        for method in self.offline:
            self._choose(method, OFFLINE, self.plan.tuning_shuffles, (None,), "gap_closed")
            rest += [
                self.job(file, OFFLINE, method.name, shuffle)
                for file in self.tables for shuffle in range(self.plan.shuffles)
            ]  # fmt: skip
        self._finish(rest)

    def run_online(self) -> None:
        """Every online method: its settings on cold streams, then all streams."""
        jobs: list[Job] = []
        for method in self.online:
            jobs += self._tuning(method, COLD, *self._tuned_on(method))
        self._finish(jobs)
        for method in self.online:
            self._choose(method, COLD, *self._tuned_on(method), "lead")
        self._finish(self._streams())

    def job(self, file: str, kind: str, method: str, shuffle: int, p: float | None = None) -> Job:
        """A job with the setting that its file was given."""
        side = OFFLINE if kind == OFFLINE else "online"
        return Job(file, kind, method, self.choices[side, method].given[file], shuffle, p)

    def figures(self, job: Job) -> dict[str, Any] | None:
        """What a job came to; None where it was not run."""
        return self.ledger.get(self.key(job))

    def shuffles_of(self, method: OnlineMethod) -> int:
        """How many shuffles an online method is played on."""
        slow = method.group == "peer"
        return min(self.plan.peer_shuffles, self.plan.shuffles) if slow else self.plan.shuffles

    def kinds_of(self, method: OnlineMethod) -> tuple[str, ...]:
        """Which streams an online method is played on."""
        return (COLD, *WARM, LATE, NEVER) if method.group == "ours" else PEER_KINDS

    def key(self, job: Job) -> str:
        """What a job's result is kept by."""
        methods: Iterable[OfflineMethod | OnlineMethod]
        methods = self.offline if job.kind == OFFLINE else self.online
        settings = next(each.settings for each in methods if each.name == job.method)
        return key(job, self.tables[job.file].fingerprint, repr(settings[job.setting]))

    def run(self, job: Job) -> dict[str, Any]:
        """Do one job, whatever is known of it, and note the seconds that it took."""
        begun = time.perf_counter()
        return {**self._run(job), "seconds": round(time.perf_counter() - begun, 3)}

    def _run(self, job: Job) -> dict[str, Any]:
        table = self.tables[job.file]
        if job.kind == OFFLINE:
            # jobs come ordered by file and shuffle: one split at a time is kept
            if self._split is None or (self._split.table, self._split.shuffle) != (
                table, job.shuffle,
            ):  # fmt: skip
                self._split = Split(table, job.shuffle)
            method = next(each for each in self.offline if each.name == job.method)
            return method.figures(self._split, method.settings[job.setting])
        player = next(each for each in self.online if each.name == job.method)
        weight = job.cost_weight or 0.0
        stream = _stream(table, job)
        chosen = online.play(
            player.player(table, weight, job.shuffle, player.settings[job.setting]), stream
        )
        return online.figures(stream, chosen, weight)

    def _tuned_on(self, method: OnlineMethod) -> tuple[int, tuple[float, ...]]:
        if method.group == "ours":
            return self.plan.tuning_shuffles, online.COST_WEIGHTS
        return 1, (PEER_TUNING_WEIGHT,)

    def _tuning(
        self,
        method: OfflineMethod | OnlineMethod,
        kind: str,
        shuffles: int,
        weights: Sequence[float | None],
    ) -> list[Job]:
        if len(method.settings) < 2 or len(self.tables) < 2:
            return []
        return [
            Job(file, kind, method.name, setting, shuffle, p)
            for file in self.tables
            for setting in method.settings
            for shuffle in range(min(shuffles, self.plan.shuffles))
            for p in weights
        ]

    def _choose(
        self,
        method: OfflineMethod | OnlineMethod,
        kind: str,
        shuffles: int,
        weights: Sequence[float | None],
        figure: str,
    ) -> None:
        scores: dict[str, dict[str, float]] = {name: {} for name in method.settings}
        for job in self._tuning(method, kind, shuffles, weights):
            scores[job.setting].setdefault(job.file, 0.0)
            found = self.figures(job) or {}
            # a frontier without any gap to close tells nothing of a setting
            scores[job.setting][job.file] += (found.get(figure) or 0.0) / (
                min(shuffles, self.plan.shuffles) * len(weights)
            )
        side = OFFLINE if kind == OFFLINE else "online"
        names = list(method.settings)
        if not scores[names[0]]:
            scores = {name: dict.fromkeys(self.tables, 0.0) for name in names}
        self.choices[side, method.name] = choose(names, list(self.tables), scores)

    def _streams(self) -> list[Job]:
        return [
            self.job(file, kind, method.name, shuffle, p)
            for file in self.tables
            for method in self.online
            for kind in self.kinds_of(method)
            for shuffle in range(self.shuffles_of(method))
            for p in online.COST_WEIGHTS
        ]

    def _finish(self, jobs: Sequence[Job]) -> None:
        """Do what is not done yet; each result is kept as it comes."""
        left = [job for job in dict.fromkeys(jobs) if self.figures(job) is None]
        left.sort(key=lambda job: (job.file, job.kind, job.shuffle))
        begun = time.monotonic()
        for number, (job, found) in enumerate(self._done(left), start=1):
            self.ledger.put(self.key(job), job, found)
            _tell(number, len(left), job, time.monotonic() - begun)

    def _done(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
        if self.plan.jobs == 1:
            for job in jobs:
                yield job, self.run(job)
            return
        for table in self.tables.values():  # before the processes part, so that they share it
            _ = table.contexts, table.input_tokens, table.list_usd
        with ProcessPoolExecutor(
            self.plan.jobs, get_context("fork"), initializer=_keep, initargs=(self,)
        ) as pool:
            futures = {pool.submit(_run, job): job for job in jobs}
            for future in as_completed(futures):
                yield futures[future], future.result()


def _stream(table: Table, job: Job) -> online.Stream:
    if job.kind in {LATE, NEVER}:
        whole = online.Stream(table, job.shuffle)
        joins = online.joining(len(table.panel.rows)) if job.kind == LATE else None
        newcomer = online.best_arm(whole, job.cost_weight or 0.0)
        return online.Stream(table, job.shuffle, newcomer=newcomer, joins=joins)
    rows = int(job.kind.removeprefix("warm")) if job.kind in WARM else 0
    return online.Stream(table, job.shuffle, warm_rows=min(rows, len(table.panel.rows) // 2))


def _tell(number: int, total: int, job: Job, seconds: float) -> None:
    """How far it is: on one line of a terminal, now and then in a file."""
    live = sys.stderr.isatty()
    if not live and number % 100 and number < total:
        return
    left = seconds / number * (total - number) / 60
    line = f"{number}/{total} {job.file} {job.kind} {job.method}, {left:.0f} min left"
    end = "\r" if live and number < total else "\n"
    print(line.ljust(100) if live else line, end=end, file=sys.stderr, flush=True)


_BENCH: list[Bench] = []


def _keep(bench: Bench) -> None:
    np.seterr(all="warn")
    _BENCH[:] = [bench]


def _run(job: Job) -> dict[str, Any]:
    return _BENCH[0].run(job)
