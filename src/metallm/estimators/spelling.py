"""Classes as scikit-learn has them, and the labels that they are in prompts and in the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.core.task import Task
from metallm.errors import ColumnError, ConfigurationError, InputError, UnknownLabelError
from metallm.tasks.classification import ClassificationTask
from metallm.tasks.forms import form_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from metallm.core.protocols import Form

KINDS = ("single", "ordinal")
"""Of tasks: one class a text, in words."""


@dataclass(frozen=True, eq=False)
class Spelling:
    """How the classes of a problem are written.

    Args:
        classes: shape (L,), sorted, each once.
        names: L labels, those of the classes.
        in_order: the labels in the order in which they are asked about.
        asked: the task that is asked of a text, or those labels alone.
        task: the task's name, or None.
    """

    classes: NDArray[Any]
    names: tuple[str, ...]
    in_order: tuple[str, ...]
    asked: Task | tuple[str, ...]
    task: str | None

    @classmethod
    def of(
        cls, task: str | Task | None, labels: Sequence[Any] | None, seen: NDArray[Any]
    ) -> Spelling:
        """The spelling of a problem.

        Args:
            task: its name, or the task.
            labels: all classes, in order; None for those of the task, or those that were seen.
            seen: the classes in y.

        Raises:
            ColumnError: labels that cannot be told apart, or fewer than 2.
            ConfigurationError: a task of another kind, or one with labels beside it.
        """
        if isinstance(task, Task):
            if task.kind not in KINDS or labels is not None:
                raise ConfigurationError(
                    f"task {task.name!r}: a classifier takes tasks of kind "
                    f"{' or '.join(KINDS)}, and their labels from the task alone"
                )
            names = tuple(sorted(task.labels))
            return cls(np.array(names), names, task.labels, task, task.name)
        given = seen if labels is None else np.asarray(labels)
        classes = np.unique(given)
        names = tuple(str(each) for each in classes.tolist())
        in_order = tuple(dict.fromkeys(str(each) for each in given.tolist()))
        if len(in_order) == 1:
            raise ColumnError(f"there is one class alone, {in_order[0]!r}: 2 or more are needed")
        try:
            ClassificationTask(in_order)
        except InputError as error:
            raise ColumnError(f"the classes cannot be asked about: {error}") from error
        return cls(classes, names, in_order, in_order, task)

    def form(self) -> Form:
        """Asks for the labels, and reads answers."""
        if isinstance(self.asked, Task):
            return form_of(self.asked)
        return ClassificationTask(self.in_order)

    def labels_of(self, y: Iterable[Any]) -> list[str]:
        """The labels of classes.

        Raises:
            ColumnError: one that there is not.
        """
        if isinstance(self.asked, Task):
            try:
                return [self.asked.canonical(str(each)) for each in y]
            except UnknownLabelError as error:
                raise ColumnError(f"y: {error}") from error
        known = dict(zip(self.classes.tolist(), self.names, strict=True))
        try:
            return [known[each] for each in np.asarray(y).tolist()]
        except KeyError as error:
            raise ColumnError(
                f"y holds {error.args[0]!r}, which is none of the classes: "
                + ", ".join(self.names[:20])
            ) from error

    def classes_of(self, labels: Iterable[str]) -> NDArray[Any]:
        """The classes of labels, shape (n,)."""
        place = {name: number for number, name in enumerate(self.names)}
        return self.classes[[place[label] for label in labels]]
