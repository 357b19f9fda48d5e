"""A recorded classification file: texts, labels, and what each model answered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metallm.cli.recorded_arms import arms_of
from metallm.core.completion import Completion
from metallm.core.price import Usage
from metallm.tables.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from metallm.core.arm import Arm
    from metallm.core.arrays import FloatArray
    from metallm.core.completion import ChatRequest, StreamEvent

MOST_MISSING = 0.2
"""Share of rows that a model may have no answer to; others are left out and named."""


@dataclass(frozen=True, eq=False)
class ClassTable:
    """n texts with a true label, answered by K models.

    Args:
        name: the file's stem.
        recordings: n rows, K models.
        arms: K arms with the recorded prices.
        left_out: models with too many missing answers or costs.
    """

    name: str
    recordings: Recordings
    arms: tuple[Arm, ...]
    left_out: tuple[str, ...]

    @cached_property
    def quality(self) -> FloatArray:
        """Shape (n, K); a missing answer is wrong."""
        return np.nan_to_num(self.recordings.score)

    @cached_property
    def cost_usd(self) -> FloatArray:
        """Shape (n, K)."""
        costs = self.recordings.cost_usd
        return np.where(np.isnan(costs), np.nanmean(costs, axis=0), costs)

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The labels of each task."""
        pairs = zip(self.recordings.datasets, self.recordings.references, strict=True)
        found: dict[str, set[str]] = {}
        for task, label in pairs:
            found.setdefault(task, set()).add(str(label))
        return {task: tuple(sorted(labels)) for task, labels in found.items()}

    @property
    def best(self) -> int:
        """The model that is right most often over the whole file."""
        return int(self.quality.mean(axis=0).argmax())

    @cached_property
    def cheap_half(self) -> list[int]:
        """The cheaper half of the models, cheapest first."""
        order: list[int] = np.argsort(self.cost_usd.mean(axis=0), kind="stable").tolist()
        return order[: max(len(order) // 2, 1)]

    @property
    def cheapest(self) -> int:
        """The cheapest model."""
        return self.cheap_half[0]

    @cached_property
    def best_of(self) -> dict[str, FloatArray]:
        """By task, the quality in every row of the model that is best on the task's own rows."""
        names = np.array(self.recordings.datasets)
        return {
            task: self.quality[:, self.quality[names == task].mean(axis=0).argmax()]
            for task in self.labels
        }

    def tasks_of(self, rows: NDArray[np.intp]) -> Sequence[str]:
        """The task of each row."""
        return [self.recordings.datasets[row] for row in rows.tolist()]


def read_class_table(path: Path) -> ClassTable:
    """A recorded file.

    Raises:
        TableError: it is no recorded file.
    """
    recordings = Recordings.read(path)
    known = ~np.isnan(recordings.score) & ~np.isnan(recordings.cost_usd)
    share = known.mean(axis=0)
    kept = [
        name for name, of in zip(recordings.models, share, strict=True) if 1 - of <= MOST_MISSING
    ]
    left_out = tuple(name for name in recordings.models if name not in kept)
    recordings = recordings.with_arms(kept)
    rows = [place for place, label in enumerate(recordings.references) if label is not None]
    recordings = recordings.subset(rows)
    return ClassTable(path.stem, recordings, tuple(arms_of(recordings).values()), left_out)


class RecordedProvider:
    """Answers as was recorded; `row` says to which text.

    Args:
        table: what was recorded.
    """

    def __init__(self, table: ClassTable) -> None:
        self._table = table
        self._column = {name: place for place, name in enumerate(table.recordings.models)}
        self.row = 0

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> dict[str, str]:
        """None: every arm was recorded."""
        del arms, request, stream, input_tokens
        return {}

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """The recorded answer, billed with the recorded tokens."""
        del request
        recordings, row, column = self._table.recordings, self.row, self._column[arm.name]
        said = recordings.responses[row, column]
        tokens = recordings.input_tokens[row, column], recordings.output_tokens[row, column]
        sent, back = (0 if np.isnan(each) else round(float(each)) for each in tokens)
        text = "" if said is None else str(said)
        return Completion(arm.name, text, Usage(sent, back), 0.0, b"")

    def stream(self, arm: Arm, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """Classifications are never streamed."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""
