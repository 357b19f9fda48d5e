"""The rows that a learner has seen: contexts once each, and the outcomes that point to them.

Statistics under one basis cannot be turned into those under another, so the rows are kept to
compute them anew as more is known. The oldest go when there are very many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray

CAPACITY = 100_000
"""Contexts that are kept; at 292 dimensions about 120 MB."""


class Memory:
    """Rows of contexts and outcomes.

    Attributes:
        contexts: shape (rows, D), float32.
        label: shape (rows,), the true label of each context by number; −1 where unknown.
        row: shape (m,), the context of each outcome.
        arm: shape (m,), the arm's position.
        y: shape (m,), the quality.
        weight: shape (m,).
    """

    def __init__(self, context_dim: int, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._contexts = np.empty((16, context_dim), dtype=np.float32)
        self._label = np.empty(16, dtype=np.int64)
        self._rows = 0
        self._row = np.empty(16, dtype=np.int64)
        self._arm = np.empty(16, dtype=np.int64)
        self._y = np.empty(16)
        self._weight = np.empty(16)
        self._outcomes = 0

    @property
    def contexts(self) -> Context:
        """Shape (rows, D)."""
        return self._contexts[: self._rows]

    @property
    def label(self) -> NDArray[np.int64]:
        """Shape (rows,)."""
        return self._label[: self._rows]

    @property
    def row(self) -> NDArray[np.int64]:
        """Shape (m,)."""
        return self._row[: self._outcomes]

    @property
    def arm(self) -> NDArray[np.int64]:
        """Shape (m,)."""
        return self._arm[: self._outcomes]

    @property
    def y(self) -> FloatArray:
        """Shape (m,)."""
        return self._y[: self._outcomes]

    @property
    def weight(self) -> FloatArray:
        """Shape (m,)."""
        return self._weight[: self._outcomes]

    def __len__(self) -> int:
        """Rows."""
        return self._rows

    def append(
        self, context: Context, arm: int, y: float, weight: float = 1.0, label: int = -1
    ) -> None:
        """Keep one outcome of one context, shape (D,)."""
        self._grow(1, 1)
        self._contexts[self._rows], self._label[self._rows] = context, label
        self._put(slice(self._outcomes, self._outcomes + 1), self._rows, arm, y, weight)
        self._rows += 1
        self._outcomes += 1

    def extend(
        self,
        contexts: Context,
        arms: NDArray[np.int64],
        quality: FloatArray,
        labels: NDArray[np.int64] | None = None,
        weight: FloatArray | None = None,
    ) -> None:
        """Keep n contexts, shape (n, D), with quality of shape (n, K), NaN where unknown.

        Args:
            contexts: shape (n, D).
            arms: shape (K,), the arms' positions.
            quality: shape (n, K).
            labels: shape (n,), by number; None where no label is known.
            weight: shape (n, K); None counts each outcome once.
        """
        row, column = np.nonzero(~np.isnan(quality))
        self._grow(len(contexts), len(row))
        rows = slice(self._rows, self._rows + len(contexts))
        self._contexts[rows] = contexts
        self._label[rows] = -1 if labels is None else labels
        place = slice(self._outcomes, self._outcomes + len(row))
        counts = 1.0 if weight is None else weight[row, column]
        self._put(place, row + self._rows, arms[column], quality[row, column], counts)
        self._rows += len(contexts)
        self._outcomes += len(row)

    def remove(
        self, context: Context, arm: int, y: float, weight: float = 1.0, label: int = -1
    ) -> bool:
        """Forget the newest outcome like this one, with its context where nothing else needs it."""
        alike = (self.arm == arm) & (self.y == y) & (self.weight == weight)
        alike &= self.label[self.row] == label
        for position in np.flatnonzero(alike)[::-1]:
            row = self._row[position]
            if np.array_equal(self._contexts[row], context):
                self._delete(int(position), int(row))
                return True
        return False

    def trim(self) -> None:
        """Forget the oldest quarter once there are more rows than the capacity."""
        if self._rows <= self._capacity:
            return
        cut = self._rows - (self._capacity * 3) // 4
        kept = self.row >= cut
        self._contexts = self._contexts[cut : self._rows].copy()
        self._label = self._label[cut : self._rows].copy()
        self._row = self.row[kept] - cut
        self._arm, self._y, self._weight = self.arm[kept], self.y[kept], self.weight[kept]
        self._rows, self._outcomes = len(self._contexts), len(self._y)

    def state(self) -> dict[str, NDArray[Any]]:
        """The rows as named arrays."""
        return {
            "contexts": self.contexts.copy(),
            "label": self.label.copy(),
            "row": self.row.copy(),
            "arm": self.arm.copy(),
            "y": self.y.copy(),
            "weight": self.weight.copy(),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from saved rows."""
        self._contexts = state["contexts"].astype(np.float32)
        self._label = state["label"].copy()
        self._row, self._arm = state["row"].copy(), state["arm"].copy()
        self._y, self._weight = state["y"].copy(), state["weight"].copy()
        self._rows, self._outcomes = len(self._contexts), len(self._y)

    def _delete(self, position: int, row: int) -> None:
        lonely = np.count_nonzero(self.row == row) == 1
        columns = (self._row, self._arm, self._y, self._weight)
        end = self._outcomes
        for column in columns:
            column[position : end - 1] = column[position + 1 : end].copy()
        self._outcomes -= 1
        if lonely:
            for rows in (self._contexts, self._label):
                rows[row : self._rows - 1] = rows[row + 1 : self._rows].copy()
            self._rows -= 1
            self._row[: self._outcomes][self.row > row] -= 1

    def _put(
        self,
        place: slice,
        row: NDArray[np.int64] | int,
        arm: NDArray[np.int64] | int,
        y: FloatArray | float,
        weight: FloatArray | float,
    ) -> None:
        self._row[place], self._arm[place] = row, arm
        self._y[place], self._weight[place] = y, weight

    def _grow(self, rows: int, outcomes: int) -> None:
        self._contexts = _room(self._contexts, self._rows, rows)
        self._label = _room(self._label, self._rows, rows)
        self._row, self._arm, self._y, self._weight = (
            _room(column, self._outcomes, outcomes)
            for column in (self._row, self._arm, self._y, self._weight)
        )


def _room(array: NDArray[Any], used: int, more: int) -> NDArray[Any]:
    """The array, at least `used + more` long; it grows by half, so that appends stay cheap."""
    if used + more <= len(array):
        return array
    grown = np.empty((max(used + more, len(array) * 3 // 2), *array.shape[1:]), dtype=array.dtype)
    grown[:used] = array[:used]
    return grown
