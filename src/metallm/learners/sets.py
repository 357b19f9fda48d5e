"""Arms that answered the same queries, taken together: what depends on the rows is computed once.

In recorded data every arm answers every query, so that one Gram matrix, one inverse and one
eigendecomposition serve all arms. From live feedback each arm has rows of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.learners.memory import Memory

CHUNK = 8192
"""Rows that are worked on at once where their features take much room."""


@dataclass(frozen=True, slots=True, eq=False)
class RowSet:
    """Some arms, and the rows that all of them answered.

    Args:
        arms: their positions.
        rows: shape (m,), positions of rows in the memory.
        y: shape (m, number of arms), outcomes.
        weight: shape (m,); None counts each row once.
    """

    arms: tuple[int, ...]
    rows: NDArray[np.int64]
    y: FloatArray
    weight: FloatArray | None

    def __len__(self) -> int:
        return len(self.rows)

    def chunks(self) -> Iterator[RowSet]:
        """The same arms, some rows at a time."""
        for start in range(0, len(self.rows), CHUNK):
            part = slice(start, start + CHUNK)
            weight = None if self.weight is None else self.weight[part]
            yield RowSet(self.arms, self.rows[part], self.y[part], weight)

    def sample(self, most: int) -> NDArray[np.intp]:
        """Positions in `rows` of evenly spaced ones, at most `most` of them."""
        return np.linspace(0, len(self.rows) - 1, min(most, len(self.rows))).astype(np.intp)


def row_sets(memory: Memory, arms: int) -> list[RowSet]:
    """The outcomes of `arms` arms as sets of rows, those with the most rows first."""
    alike: dict[bytes, list[int]] = {}
    mine = []
    for arm in range(arms):
        outcomes = np.flatnonzero(memory.arm == arm)
        mine.append(outcomes)
        rows, weight = memory.row[outcomes], memory.weight[outcomes]
        if len(outcomes):
            alike.setdefault(rows.tobytes() + weight.tobytes(), []).append(arm)
    sets = []
    for members in alike.values():
        first = mine[members[0]]
        weight = memory.weight[first]
        sets.append(
            RowSet(
                tuple(members),
                memory.row[first],
                np.stack([memory.y[mine[arm]] for arm in members], axis=1),
                None if (weight == 1.0).all() else weight,
            )
        )
    return sorted(sets, key=len, reverse=True)
