"""What a bulk classification asks of each row: labels that were given, or a declared task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.task import Task
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.protocols import Form

UNNAMED = "classification"
"""The task of rows for which no name was given: it is shown, and nothing is kept under it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Args:
        task: kind, labels, prompt and costs.
        name: what the router learns it under; None where no name was given.
        declared: whether the settings declare the task.
    """

    task: Task
    name: str | None
    declared: bool = False

    @property
    def several(self) -> bool:
        """Whether one answer may name several labels."""
        return self.task.kind == "multi"

    @property
    def plain(self) -> bool:
        """Whether labels and a name are all that there is to it."""
        return not self.declared and not self.task.examples

    def form(self) -> Form:
        """Builds prompts and reads answers."""
        from metallm.tasks.forms import form_of

        return form_of(self.task)

    def with_examples(self, examples: Sequence[tuple[str, str]]) -> Question:
        """The same with examples in the prompt, after those that the task has."""
        task = self.task
        told = Task(
            task.name,
            task.kind,
            task.labels,
            descriptions=task.descriptions,
            instructions=task.instructions,
            examples=[*task.examples, *examples],
            none_of_these=task.none_of_these,
            error_costs=task.error_costs,
            template=task.template,
        )
        return Question(told, self.name, self.declared)


def question_of(labels: str | None, name: str | None, tasks: Mapping[str, Task]) -> Question:
    """The question that the options ask.

    Args:
        labels: with commas between; None where a declared task has them.
        name: of the task.
        tasks: those that the settings declare, by name.

    Raises:
        ConfigurationError: neither labels nor a declared task, or labels that a declared task of
            that name has not.
        InputError: labels that cannot be told apart.
    """
    declared = None if name is None else tasks.get(name)
    if labels is None:
        if declared is None:
            there = ", ".join(tasks) or "none so far ([[tasks]] in metallm.toml declares them)"
            raise ConfigurationError(
                f"no task {name!r} is declared, so that --labels must name its labels; "
                f"declared are: {there}"
                if name is not None
                else f"give --labels A,B,..., or --task with a declared task; declared are: {there}"
            )
        return Question(declared, name, declared=True)
    # the prompt for labels alone is the same whatever the name is
    told = Task(name or UNNAMED, "single", _split(labels), template="general")
    if declared is None:
        return Question(told, name)
    if sorted(told.labels) != sorted(declared.labels):
        raise ConfigurationError(
            f"the task {name!r} is declared with the labels {', '.join(declared.labels)}: leave "
            "out --labels, or name another --task"
        )
    return Question(declared, name, declared=True)


def _split(labels: str) -> list[str]:
    return [label.strip() for label in labels.split(",")]
