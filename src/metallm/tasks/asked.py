"""Which task is asked about: labels as they are given, a task, or the name of a declared one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from metallm.core.labels import checked_labels
from metallm.core.task import Task
from metallm.errors import ConfigurationError, InputError, first_of
from metallm.tasks.classification import ClassificationTask
from metallm.tasks.forms import form_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.tasks.forms import TaskForm


class Asked:
    """Finds the form of what is asked, without making it anew for every text.

    Args:
        declared: tasks by name. Their forms are made now, so that a mistake is found at the start.

    Raises:
        ConfigurationError: a declared task has no such template.
    """

    def __init__(self, declared: Mapping[str, Task]) -> None:
        self._declared = declared
        self._forms: dict[str, TaskForm] = {}
        for name, task in declared.items():
            try:
                self._forms[name] = form_of(task)
            except InputError as error:
                raise ConfigurationError(f"task {name!r}: {error}") from error

    def form(
        self,
        labels: Sequence[str] | Task | None,
        name: str | None,
        descriptions: Mapping[str, str] | None = None,
    ) -> tuple[TaskForm, str | None]:
        """How it is asked, and the name that it is learned by.

        Args:
            labels: labels, or a task; None for those of the declared task of that name.
            name: of the task, where it has one.
            descriptions: what some of the labels mean, where labels are given.

        Raises:
            InputError: neither labels nor a declared task; other labels than a declared task has;
                labels that cannot be told apart.
            UnknownLabelError: a description of something that is no label.
        """
        if isinstance(labels, Task):
            if name not in {None, labels.name}:
                raise InputError(
                    f"the task is called {labels.name!r}, not {name!r}: leave out its name"
                )
            self.check(labels.name, labels.labels)
            return form_of(labels), labels.name
        if labels is None:
            return self._named(name), name
        if name is not None and name in self._forms:
            self.check(name, labels)
            return self._forms[name], name
        return _plain(labels, descriptions), name

    def check(self, name: str, labels: Sequence[str]) -> None:
        """Refuse labels other than those that the task of that name is declared with.

        Raises:
            InputError: other labels.
        """
        declared = self._declared.get(name)
        if declared is not None and not _same(labels, declared.labels):
            raise InputError(
                f"task {name!r} is declared with the labels {first_of(declared.labels)}: leave out "
                "the labels, or name another task"
            )

    def _named(self, name: str | None) -> TaskForm:
        form = None if name is None else self._forms.get(name)
        if form is None:
            there = first_of(tuple(self._forms)) if self._forms else "none"
            what = "labels or a task must be given" if name is None else (
                f"no task {name!r} is declared: give its labels"
            )  # fmt: skip
            raise InputError(f"{what}; declared tasks: {there}")
        return form


def _same(labels: Sequence[str], declared: tuple[str, ...]) -> bool:
    if isinstance(labels, str):
        return False
    given = tuple(labels)
    return given == declared or (
        len(given) == len(declared) and set(map(str, given)) == set(declared)
    )


def _plain(labels: Sequence[str], descriptions: Mapping[str, str] | None) -> TaskForm:
    """The form of labels without a task."""
    if isinstance(labels, str):
        checked_labels(labels)  # says what is wrong with it
    given = tuple(labels)
    if not all(isinstance(label, str) for label in given):
        checked_labels(given)
    return _kept(given, tuple((descriptions or {}).items()))


# a thousand labels take milliseconds, and the same ones come again
@lru_cache(maxsize=64)
def _kept(labels: tuple[str, ...], descriptions: tuple[tuple[str, str], ...]) -> TaskForm:
    return ClassificationTask(labels, descriptions=dict(descriptions))
