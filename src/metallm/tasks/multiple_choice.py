"""Multiple choice: which of the lettered options answers a question."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from metallm.errors import InputError
from metallm.tasks.letters import LetterReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.query import Message


class MultipleChoiceTask:
    """Asks for the letter of an option, in the paper's wording for MMLU.

    Args:
        options: how many options there are, lettered from A; or their letters.
        name: goes into decisions.

    Raises:
        InputError: fewer than 2 options, more than 26, or letters that are no different single
            capitals of A to Z.
    """

    def __init__(self, options: int | Sequence[str] = 4, *, name: str = "multiple_choice") -> None:
        self.name = name
        self.labels = _letters(options)
        self._reader = LetterReader(self.labels)

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

    def messages(self, text: str) -> Sequence[Message]:
        """The one message that asks for a letter.

        Args:
            text: the question with its lettered options.
        """
        letters = ", ".join(self.labels[:-1])
        comma = "," if len(self.labels) > 2 else ""
        asked = (
            "Answer the following multiple-choice question with only the answer letter "
            f"({letters}{comma} or {self.labels[-1]}):\n{text}\nAnswer:"
        )
        return ({"role": "user", "content": asked},)

    def read(self, answer: str) -> str | None:
        """The letter that an arm's answer names; None where it names none or several."""
        return self._reader.read(answer)


def _letters(options: int | Sequence[str]) -> tuple[str, ...]:
    count = options if isinstance(options, int) else len(options)
    if not 2 <= count <= len(ascii_uppercase):
        raise InputError(f"a multiple choice has 2 to 26 options, not {count}")
    if isinstance(options, int):
        return tuple(ascii_uppercase[:options])
    for letter in options:
        if len(letter) != 1 or letter not in ascii_uppercase:
            raise InputError(f"an option's letter is one capital of A to Z, not {letter!r}")
    if len(set(options)) != count:
        raise InputError("two options have the same letter")
    return tuple(options)
