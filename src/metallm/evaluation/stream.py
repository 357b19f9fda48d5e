"""A stream of recorded queries, and the two ways to send it through a router."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from metallm.errors import UnknownArmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from metallm.core.decision import Decision
    from metallm.evaluation.panel import Panel
    from metallm.tables.recordings import Recordings

BATCH = 1024  # rows per call of decide_many: often enough to show progress, too few to cost time


class Routable(Protocol):
    """What a router must offer to be replayed."""

    def fit(self, recordings: Recordings, /) -> object:
        """Learn from recorded outcomes of all models."""
        ...

    def decide(
        self,
        query: str,
        /,
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
    ) -> Decision:
        """Choose a model for one text, among `arms` where given."""
        ...

    def decide_many(
        self,
        queries: Sequence[str],
        /,
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
    ) -> Sequence[Decision]:
        """Choose a model for each of many texts of one task."""
        ...

    def feedback(
        self, decision_id: str, /, *, quality: float, cost_usd: float | None = None
    ) -> object:
        """Learn what became of a decision."""
        ...

    def close(self) -> None:
        """Let go of whatever the router holds."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Queries in the order in which they come.

    Args:
        panel: n rows and K models.
        texts: n texts.
        tasks: n names of tasks, None where the router is told none.
    """

    panel: Panel
    texts: tuple[str, ...]
    tasks: tuple[str | None, ...]

    @classmethod
    def of(cls, recordings: Recordings, panel: Panel) -> Stream:
        """The rows of a panel with their texts and tasks from the recordings it was made of."""
        rows = panel.rows.tolist()
        return cls(
            panel,
            tuple(recordings.texts[row] for row in rows),
            tuple(recordings.datasets[row] or None for row in rows),
        )

    def arms(self, row: int) -> tuple[str, ...] | None:
        """The models that have a recorded answer in a row; None where all have."""
        missing = np.isnan(self.panel.quality[row])
        if not missing.any():
            return None
        return tuple(self.panel.models[column] for column in np.flatnonzero(~missing))

    def column(self, arm: str) -> int:
        """The column of a chosen model.

        Raises:
            UnknownArmError: the router chose what is not on record.
        """
        if arm not in self.panel.models:
            raise UnknownArmError(arm, self.panel.models)
        return self.panel.models.index(arm)

    def groups(self) -> Iterator[list[int]]:
        """Rows that can be decided in one call: same task, same models, at most `BATCH`."""
        alike: dict[tuple[str | None, tuple[str, ...] | None], list[int]] = {}
        for row, task in enumerate(self.tasks):
            alike.setdefault((task, self.arms(row)), []).append(row)
        for rows in alike.values():
            for start in range(0, len(rows), BATCH):
                yield rows[start : start + BATCH]


def _ignore(rows: int) -> None:
    """Nobody wants to know how far it is."""


def without_feedback(
    router: Routable, stream: Stream, cost_weight: float, count: Callable[[int], None] = _ignore
) -> NDArray[np.intp]:
    """Have a router decide a stream while it learns nothing.

    Args:
        router: decides in batches of rows with the same task and models.
        stream: n rows.
        cost_weight: p, told with every query.
        count: called with the number of rows just decided.

    Returns:
        The columns chosen, shape (n,).

    Raises:
        UnknownArmError: the router chose a model that is not on record.
    """
    chosen = np.empty(len(stream.texts), dtype=np.intp)
    for rows in stream.groups():
        decisions = router.decide_many(
            [stream.texts[row] for row in rows],
            task=stream.tasks[rows[0]],
            arms=stream.arms(rows[0]),
            cost_weight=cost_weight,
        )
        chosen[rows] = [stream.column(decision.arm) for decision in decisions]
        count(len(rows))
    return chosen


def with_feedback(
    router: Routable, stream: Stream, cost_weight: float, count: Callable[[int], None] = _ignore
) -> NDArray[np.intp]:
    """Have a router decide a stream, learning each outcome before the next query.

    Args and errors as `without_feedback`.
    """
    chosen = np.empty(len(stream.texts), dtype=np.intp)
    for row, (text, task) in enumerate(zip(stream.texts, stream.tasks, strict=True)):
        decision = router.decide(text, task=task, arms=stream.arms(row), cost_weight=cost_weight)
        column = stream.column(decision.arm)
        router.feedback(
            decision.id,
            quality=float(stream.panel.quality[row, column]),
            cost_usd=float(stream.panel.cost_usd[row, column]),
        )
        chosen[row] = column
        count(1)
    return chosen
