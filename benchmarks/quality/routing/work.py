"""What there is to do: one job, from its names to its figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from routing import online
from routing.ledger import Job, key
from routing.split import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.methods import OfflineMethod, OnlineMethod
    from routing.table import Table

OFFLINE = "offline"
COLD = "cold"
WARM = tuple(f"warm{rows}" for rows in online.WARM_ROWS)
LATE, NEVER = "late", "never"


@dataclass(eq=False)
class Work:
    """Tables and methods.

    Args:
        tables: by name.
        offline: methods that are fitted once.
        online: methods that play streams.
    """

    tables: Mapping[str, Table]
    offline: Sequence[OfflineMethod]
    online: Sequence[OnlineMethod]
    _split: Split | None = None

    def key(self, job: Job) -> str:
        """What a job's result is kept by."""
        method = self.method(job)
        meaning = f"{method.version} {method.settings[job.setting]!r}"
        table = self.tables[job.file]
        return key(job, table.fingerprint, meaning, table.embedder.id)

    def method(self, job: Job) -> OfflineMethod | OnlineMethod:
        """The method that a job names."""
        methods: Sequence[OfflineMethod | OnlineMethod]
        methods = self.offline if job.kind == OFFLINE else self.online
        return next(each for each in methods if each.name == job.method)

    def run(self, job: Job) -> dict[str, Any]:
        """Do one job, whatever is known of it, and note the seconds that it took."""
        begun = time.perf_counter()
        figures = self._fit(job) if job.kind == OFFLINE else self._play(job)
        return {**figures, "seconds": round(time.perf_counter() - begun, 3)}

    def _fit(self, job: Job) -> dict[str, Any]:
        table, split = self.tables[job.file], self._split
        # jobs come ordered by file and shuffle: one split at a time is kept
        if split is None or split.table is not table or split.shuffle != job.shuffle:
            split = self._split = Split(table, job.shuffle)
        method = next(each for each in self.offline if each.name == job.method)
        return method.figures(split, method.settings[job.setting])

    def _play(self, job: Job) -> dict[str, Any]:
        table, weight = self.tables[job.file], job.cost_weight or 0.0
        method = next(each for each in self.online if each.name == job.method)
        player = method.player(table, weight, job.shuffle, method.settings[job.setting])
        stream = _stream(table, job)
        return online.figures(stream, online.play(player, stream), weight)


def _stream(table: Table, job: Job) -> online.Stream:
    if job.kind in {LATE, NEVER}:
        whole = online.Stream(table, job.shuffle)
        joins = online.joining(len(table.panel.rows)) if job.kind == LATE else None
        newcomer = online.best_arm(whole, job.cost_weight or 0.0)
        return online.Stream(table, job.shuffle, newcomer=newcomer, joins=joins)
    rows = int(job.kind.removeprefix("warm")) if job.kind in WARM else 0
    return online.Stream(table, job.shuffle, warm_rows=min(rows, len(table.panel.rows) // 2))
