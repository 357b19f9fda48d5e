"""Multiple choice: which of the lettered options answers a question."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from metallm.core.task import Task
from metallm.errors import InputError
from metallm.tasks.forms import TaskForm

if TYPE_CHECKING:
    from collections.abc import Sequence


class MultipleChoiceTask(TaskForm):
    """Asks for the letter of an option, in the paper's wording for MMLU.

    Args:
        options: how many options there are, lettered from A; or their letters.
        name: goes into decisions.

    Raises:
        InputError: fewer than 2 options, more than 26, or letters that are no different single
            capitals of A to Z.
    """

    def __init__(self, options: int | Sequence[str] = 4, *, name: str = "multiple_choice") -> None:
        super().__init__(Task(name, "choice", _letters(options)))

    def question(self, question: str, options: Sequence[str]) -> str:
        """The text of a question with its options lettered, as `messages` takes it.

        Args:
            question: the bare question.
            options: the options' texts, as many as there are letters at most.

        Raises:
            InputError: more options than letters.
        """
        if len(options) > len(self.labels):
            raise InputError(
                f"{len(options)} options need as many letters, and the task has "
                f"{len(self.labels)}: make it with options={len(options)}"
            )
        lines = (f"{letter}. {each}" for letter, each in zip(self.labels, options, strict=False))
        return "\n".join((f"Question: {question}", "Options:", *lines))


def _letters(options: int | Sequence[str]) -> Sequence[str]:
    count = options if isinstance(options, int) else len(options)
    if not 2 <= count <= len(ascii_uppercase):
        raise InputError(f"a multiple choice has 2 to 26 options, not {count}")
    return ascii_uppercase[:options] if isinstance(options, int) else options
