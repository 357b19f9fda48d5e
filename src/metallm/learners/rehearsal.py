"""The labelled rows that a student still has before it, to visit them again.

Bounded: when there are too many, one of a label that has most of them goes, drawn at random, so
that rare labels stay. Visits are spread evenly over all rows: steps by the golden ratio leave no
stretch out for long, as draws at random would, and favour none, as going round would while rows
are added at the end. Both start from a seed and go by a count: the same calls, the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm import inner
from metallm.learners.experts import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from metallm.core.arrays import Context

MOST_ROWS = 4096
MOST_NUMBERS = 1 << 22
"""Of alphas and ids, over all rows: with 1,000 labels, or long texts, fewer rows are kept."""

GOLDEN = 0.6180339887498949  # (√5 − 1) / 2


class Rehearsal:
    """Rows in the order they came.

    Args:
        labels: how many.
        seed: of all draws.
        most_rows: that are kept, at least 1.
    """

    def __init__(self, labels: int, seed: int, *, most_rows: int = MOST_ROWS) -> None:
        self.rows: list[Row] = []
        self._start = inner.uniform(seed, 0)
        self._visited = self._drawn = 0
        self._labels = labels
        self._seed = seed
        self._most_rows = most_rows
        self._counts = [0] * labels
        self._numbers = 0

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, row: Row) -> None:
        """Keep a row, and let go of others where they are too many."""
        self.rows.append(row)
        self._count(row, 1)
        while len(self.rows) > 1 and (
            len(self.rows) > self._most_rows or self._numbers > MOST_NUMBERS
        ):
            self._let_go()

    def again(self, times: int) -> Iterator[Row]:
        """Rows to visit again."""
        count = len(self.rows)
        for _ in range(times if count else 0):
            self._visited += 1
            place = int((self._start + self._visited * GOLDEN) % 1.0 * count)
            yield self.rows[min(place, count - 1)]  # just below 1 may round up

    def take(
        self, ids: NDArray[np.uint16], context: Context, label: int, weight: float
    ) -> Row | None:
        """Remove the newest row of this content; None where there is none (any more)."""
        for place in range(len(self.rows) - 1, -1, -1):
            row = self.rows[place]
            if (
                row.label == label
                and row.weight == weight
                and np.array_equal(row.ids, ids)
                and np.array_equal(row.context, context)
            ):
                self._count(row, -1)
                return self.rows.pop(place)
        return None

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        rows = self.rows
        none = np.zeros(0, dtype=np.uint16)
        return {
            "drawn": np.array([self._visited, self._drawn], dtype=np.int64),
            "lengths": np.array([len(row.ids) for row in rows], dtype=np.int64),
            "ids": np.concatenate([none, *(row.ids for row in rows)]),
            "contexts": np.array([row.context for row in rows], dtype=np.float32),
            "labels": np.array([row.label for row in rows], dtype=np.int64),
            "weights": np.array([row.weight for row in rows]),
            "alphas": np.array([row.alpha for row in rows]),
            "norms": np.array([row.norm for row in rows]),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        parts = np.split(state["ids"], np.cumsum(state["lengths"])[:-1])
        columns = (
            state["contexts"], state["labels"].tolist(), state["weights"].tolist(),
            state["alphas"], state["norms"].tolist(),
        )  # fmt: skip
        self.rows = [
            Row(ids.copy(), context.copy(), label, weight, alpha.copy(), norm)
            for ids, (context, label, weight, alpha, norm) in zip(
                parts, zip(*columns, strict=True), strict=False
            )
        ]
        self._visited, self._drawn = (int(count) for count in state["drawn"])
        self._counts, self._numbers = [0] * self._labels, 0
        for row in self.rows:
            self._count(row, 1)

    def _let_go(self) -> None:
        most = max(self._counts)
        of_most = [place for place, row in enumerate(self.rows) if self._counts[row.label] == most]
        self._drawn += 1
        place = int(inner.uniform(self._seed, self._drawn) * len(of_most))
        self._count(self.rows.pop(of_most[min(place, len(of_most) - 1)]), -1)

    def _count(self, row: Row, by: int) -> None:
        self._counts[row.label] += by
        self._numbers += by * (len(row.ids) + row.alpha.size)
