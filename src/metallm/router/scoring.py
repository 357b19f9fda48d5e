"""What a true label makes of an answer: by its task where that is known, by equality elsewhere."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError, UnknownLabelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from metallm.core.arrays import FloatArray
    from metallm.core.task import Task


class Scoring:
    """Scores answers to tasks.

    What it says is logged with the judgement, so that a task declared otherwise later changes
    nothing of the past.

    Args:
        declared: tasks by name.
    """

    def __init__(self, declared: Mapping[str, Task]) -> None:
        self.declared = declared
        self._known = dict(declared)

    def know(self, task: Task) -> None:
        """Score answers to a task by it from now on, as if it had been declared.

        Raises:
            InputError: a task of that name is known, and scores otherwise.
        """
        known = self._known.setdefault(task.name, task)
        if known is not task and _rule(known) != _rule(task):
            raise InputError(
                f"another task is called {task.name!r}, with other labels, another kind or other "
                "error costs: give this one a name of its own"
            )

    def task_of(self, name: str | None, labels: tuple[str, ...]) -> Task | None:
        """The task that scores answers; None where none is known by that name and those labels."""
        task = None if name is None else self._known.get(name)
        if task is None or task.labels == labels or sorted(task.labels) == sorted(labels):
            return task
        return None

    def best(self, name: str | None, likely: Mapping[str, float]) -> str:
        """The label that is expected to be the best answer; nearly always the likeliest.

        Args:
            name: of the task.
            likely: how likely each label is to be true.
        """
        labels = tuple(likely)
        chances = np.fromiter(likely.values(), dtype=np.float64)
        return labels[int(expected(self.task_of(name, labels), labels, chances).argmax())]


def canonical(task: Task | None, labels: tuple[str, ...], label: str | Sequence[str]) -> str:
    """A true label as the task spells it.

    Args:
        task: None where none is known.
        labels: that were asked about.
        label: as it was told; of kind "multi" several.

    Raises:
        UnknownLabelError: not among the labels.
        InputError: as `Task.canonical`.
    """
    if task is not None:
        return task.canonical(label)
    if not isinstance(label, str):
        raise InputError(
            "several labels are true only of a task of kind 'multi': declare the task that the "
            "decision asked about"
        )
    if label not in labels:
        raise UnknownLabelError(label, labels)
    return label


def quality_of(task: Task | None, said: str | None, truth: str) -> float:
    """How good an answer is, 0 to 1.

    Args:
        task: None where none is known: then a label is right or wrong.
        said: what was read from the answer; None where it named no label.
        truth: as `canonical` gave it.
    """
    return float(said == truth) if task is None else task.quality(said, truth)


def expected(task: Task | None, labels: tuple[str, ...], chances: FloatArray) -> FloatArray:
    """How good each label is expected to be as the answer, shape (L,).

    Args:
        task: None where a label is right or wrong, and nothing between.
        labels: L labels, those of the task in any order.
        chances: shape (L,), how likely each is to be true.
    """
    table = gains(task, labels)
    return chances if table is None else table @ chances


def gains(task: Task | None, labels: tuple[str, ...]) -> FloatArray | None:
    """How good each answer is under each truth, as `quality_matrix`; None where right is all.

    Args:
        task: None where none is known.
        labels: L labels, those of the task in any order.
    """
    if task is None or not (task.error_costs or task.kind == "ordinal"):
        return None
    return _unlike(task, labels)


@lru_cache(maxsize=64)
def _unlike(task: Task, labels: tuple[str, ...]) -> FloatArray | None:
    """The matrix of qualities; None where all errors cost the same."""
    table = quality_matrix(task, labels)
    return None if np.array_equal(table, np.eye(len(labels))) else table


@lru_cache(maxsize=64)
def quality_matrix(task: Task, labels: tuple[str, ...]) -> FloatArray:
    """`Task.quality` of every answer, shape (L, L): rows are what is said, columns the truth.

    Args:
        task: of one label a text.
        labels: its labels, in any order.
    """
    place = {label: each for each, label in enumerate(labels)}
    cost = 1.0 - np.eye(len(labels))
    levels = [label for label in task.labels if label != task.none_of_these]
    if task.kind == "ordinal":
        steps = np.arange(len(levels))
        at = [place[level] for level in levels]
        cost[np.ix_(at, at)] = np.abs(steps[:, None] - steps) / (len(levels) - 1)
    for (truth, said), each in task.error_costs.items():
        cost[place[said], place[truth]] = each
    quality: FloatArray = 1.0 - cost / task.largest_cost
    return quality


def _rule(task: Task) -> tuple[Any, ...]:
    """All that a score depends on; the order of labels counts on a scale alone."""
    labels = task.labels if task.kind == "ordinal" else frozenset(task.labels)
    return task.kind, labels, task.none_of_these, dict(task.error_costs)
