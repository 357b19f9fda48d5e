"""A task's form: the prompt that asks for its labels, and the reader of answers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from metallm.tasks.formats import answer_format
from metallm.tasks.letters import LetterReader
from metallm.tasks.likely import likely_labels
from metallm.tasks.reading import LabelReader
from metallm.tasks.refusals import says_none, spoken
from metallm.tasks.several import SeveralReader
from metallm.tasks.templates import filled, in_line, listed, template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.core.classes import Likely
    from metallm.core.completion import Token
    from metallm.core.query import Message
    from metallm.core.task import Task


class TaskForm:
    """Asks what a task asks, and reads the answers.

    Args:
        task: what is asked.

    Attributes:
        task: what is asked.
        name: the task's.
        labels: the task's.
        answer_format: a request's `response_format` that holds an answer to the labels; None where
            they are too many for one. For arms that are `structured`.

    Raises:
        InputError: no template has that name, or it does not fit the labels.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.name = task.name
        self.labels = task.labels
        self.answer_format: Mapping[str, Any] | None = answer_format(task)
        self._template = template_of(task)
        self._places = {"labels": listed(task), "letters": in_line(task)}
        self._read = _reader(task)
        self._before = tuple(
            message for text, label in task.examples for message in (self._ask(text), _said(label))
        )

    def messages(self, text: str) -> Sequence[Message]:
        """The chat messages that ask about `text`, examples before it.

        Each example is a turn of its own, asked in the same words and answered as an answer should
        be: it shows the form, and a text of an example is never taken for the one that is asked
        about. All but the last message are the same for every text, which providers cache.

        Args:
            text: as it came; braces in it mean nothing. An empty one is `Query`'s to refuse.
        """
        return (*self._before, self._ask(text))

    def read(self, answer: str) -> str | None:
        """The label that an arm's answer names, or its labels as `Task.canonical` joins them.

        None where it names none of the task's labels, leaves it open, or refuses.
        """
        said = spoken(answer)
        label = self._read(said)
        if label is None and self.task.none_of_these is not None and says_none(said):
            return self.task.none_of_these
        return label

    def likely(self, tokens: Sequence[Token], label: str) -> Likely:
        """How likely the arm takes labels to be true, by its answer's tokens.

        Nothing where that cannot be told, as of several labels of one text.

        Args:
            tokens: of the answer, with their log probabilities.
            label: as `read` read it from the answer.
        """
        return () if self.task.kind == "multi" else likely_labels(tokens, self.labels, label)

    def _ask(self, text: str) -> Message:
        prompt = filled(self._template, {**self._places, "text": text})
        told = self.task.instructions.strip()
        return {"role": "user", "content": f"{told}\n\n{prompt}" if told else prompt}


@lru_cache(maxsize=64)
def form_of(task: Task) -> TaskForm:
    """The form of a task; made once for each, for a thousand labels take milliseconds.

    Raises:
        InputError: no template has that name, or it does not fit the labels.
    """
    return TaskForm(task)


def _reader(task: Task) -> Callable[[str], str | None]:
    if task.kind == "choice":
        return LetterReader(task.labels).read
    reader = LabelReader(task.labels)
    if task.kind != "multi":
        return reader.read
    several = SeveralReader(reader, task.none_of_these)

    def read(answer: str) -> str | None:
        labels = several.read(answer)
        return None if labels is None else task.canonical(labels)

    return read


def _said(label: str) -> Message:
    return {"role": "assistant", "content": label}
