"""Plans jobs: settings first on a few shuffles, then each file with the setting it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from routing import online
from routing.ledger import Job
from routing.nested import Choice, choose
from routing.pool import done
from routing.work import COLD, LATE, NEVER, OFFLINE, WARM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.ledger import Ledger
    from routing.methods import OfflineMethod, OnlineMethod
    from routing.table import Table
    from routing.work import Work

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
        stream_shuffles: of our own streams and those of baselines; None for `shuffles`.
        peer_warm: play other bandits with warm rows too, not from a cold start alone.
        jobs: processes.
    """

    shuffles: int = 10
    tuning_shuffles: int = 3
    peer_shuffles: int = 3
    stream_shuffles: int | None = None
    peer_warm: bool = True
    jobs: int = 1


@dataclass(eq=False)
class Bench:
    """A run of all methods on all tables.

    Args:
        work: does the jobs.
        ledger: what is known already.
        plan: how much is run.

    Attributes:
        choices: by "offline" or "online" and method, which setting each file got.
    """

    work: Work
    ledger: Ledger
    plan: Plan
    choices: dict[tuple[str, str], Choice] = field(default_factory=dict)

    @property
    def tables(self) -> Mapping[str, Table]:
        """By name."""
        return self.work.tables

    @property
    def offline(self) -> Sequence[OfflineMethod]:
        """Methods that are fitted once."""
        return self.work.offline

    @property
    def online(self) -> Sequence[OnlineMethod]:
        """Methods that play streams."""
        return self.work.online

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
        return self.ledger.get(self.work.key(job))

    def shuffles_of(self, method: OnlineMethod) -> int:
        """How many shuffles an online method is played on."""
        most = self.plan.stream_shuffles or self.plan.shuffles
        slow = method.group == "peer"
        return min(self.plan.peer_shuffles if slow else most, self.plan.shuffles)

    def kinds_of(self, method: OnlineMethod) -> tuple[str, ...]:
        """Which streams an online method is played on."""
        if method.group == "ours":
            return (COLD, *WARM, LATE, NEVER)
        return PEER_KINDS if self.plan.peer_warm or method.group != "peer" else (COLD,)

    def _tuned_on(self, method: OnlineMethod) -> tuple[int, tuple[float, ...]]:
        if method.group == "ours":
            return min(self.plan.tuning_shuffles, self.shuffles_of(method)), online.COST_WEIGHTS
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
        for job, found in done(self.work, left, self.plan.jobs):
            self.ledger.put(self.work.key(job), job, found)
