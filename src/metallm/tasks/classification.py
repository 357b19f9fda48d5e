"""Classification: which one of a few labels fits a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.task import Task
from metallm.tasks.forms import TaskForm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ClassificationTask(TaskForm):
    """Asks for one of a set of labels: the form of a `Task` of kind "single", without its extras.

    Args:
        labels: 2 or more, different also where case is disregarded.
        name: goes into decisions.
        template: a name in `templates`, or a prompt of your own that holds {text}.
        descriptions: what some labels mean, by label; told where the template lists the labels.

    Raises:
        InputError: labels that are too few, empty or the same; an unknown template; "sst2" with
            labels other than positive and negative.
        UnknownLabelError: a description of something that is no label.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        name: str = "classification",
        template: str = "general",
        descriptions: Mapping[str, str] | None = None,
    ) -> None:
        task = Task(name, "single", labels, descriptions=descriptions, template=template)
        super().__init__(task)
