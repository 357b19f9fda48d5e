"""Names for labels: each pair of a task and one of its labels has a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.recall import REST, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MOST_KEPT = 256
"""Tasks and sets of labels of which it is kept what they allow; others may name any number."""


class LabelNames:
    """Pairs of task and label, numbered in the order in which they came up.

    The same word is another label in another task: what an arm does on "A" in one says nothing of
    the other. A task is "" where it has no name; a label without one is taken for that of the only
    task that has it, settled when it first comes up: what was learned is taken back by the same
    number, whatever came up meanwhile.
    """

    def __init__(self) -> None:
        self._number: dict[tuple[str, str], int] = {}
        self._home: dict[str, str] = {}
        self._classes: NDArray[np.int64] | None = None
        self._allowed: dict[tuple[str, tuple[str, ...]], NDArray[np.bool_]] = {}

    def number(self, task: str, label: str | None) -> int:
        """The number of a label, a new one where it is new; −1 for None."""
        if label is None:
            return UNKNOWN
        if not task:
            task = self._home.setdefault(label, self._only_task(label))
        return self._number.setdefault((task, label), len(self._number))

    def numbers(
        self, tasks: Sequence[str], labels: Sequence[str | None]
    ) -> NDArray[np.int64] | None:
        """Numbers of n labels; None where no labels are given.

        Args:
            tasks: n names, or none.
            labels: n labels, or none.
        """
        if not labels:
            return None
        named = tasks or [""] * len(labels)
        pairs = zip(named, labels, strict=True)
        return np.array([self.number(task, label) for task, label in pairs], dtype=np.int64)

    def allowed(
        self, classes: NDArray[np.int64], task: str, labels: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Which classes a query's label can be in, shape (G,).

        Args:
            classes: shape (G,), labels by number.
            task: the query's; where it is known, its own classes are the only ones.
            labels: the labels that are asked about; none where any may be.
        """
        if classes is not self._classes or len(self._allowed) >= MOST_KEPT:
            # pairs keep their numbers, so that what is allowed hangs on the classes alone
            self._classes, self._allowed = classes, {}
        found = self._allowed.get((task, labels))
        if found is None:
            found = self._allowed[task, labels] = self._found(classes, task, labels)
        return found

    def _found(
        self, classes: NDArray[np.int64], task: str, labels: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        pairs = list(self._number)
        named = [pairs[number] if number != REST else None for number in classes.tolist()]
        right = np.array([not labels or (pair is not None and pair[1] in labels) for pair in named])
        own = np.array([pair is not None and pair[0] == task for pair in named])
        return right & own if task and (right & own).any() else right

    def _only_task(self, label: str) -> str:
        """The task that a label without one belongs to: the only one that has it, or none."""
        tasks = {task for task, name in self._number if name == label}
        return tasks.pop() if len(tasks) == 1 else ""

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "task": np.array([task for task, _ in self._number], dtype=np.str_),
            "label": np.array([label for _, label in self._number], dtype=np.str_),
            "homeless": np.array(list(self._home), dtype=np.str_),
            "home": np.array(list(self._home.values()), dtype=np.str_),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        pairs = zip(state["task"].tolist(), state["label"].tolist(), strict=True)
        self._number = {pair: number for number, pair in enumerate(pairs)}
        homes = zip(state["homeless"].tolist(), state["home"].tolist(), strict=True)
        self._home = dict(homes)
        self._classes, self._allowed = None, {}
