"""How a task is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.classes import Likely
    from metallm.core.completion import Token
    from metallm.core.query import Message
    from metallm.core.task import Task


class Form(Protocol):
    """How a task is asked, and how its answers are read.

    Attributes:
        task: what is asked.
        name: goes into decisions.
        labels: the answers that are possible.
        answer_format: a `response_format` that holds an answer to the labels; None for none.
    """

    task: Task
    name: str
    labels: tuple[str, ...]
    answer_format: Mapping[str, Any] | None

    def messages(self, text: str) -> Sequence[Message]:
        """The chat messages that ask about `text`."""
        ...

    def read(self, answer: str) -> str | None:
        """The label that an arm's answer names; None where it names none or several."""
        ...

    def likely(self, tokens: Sequence[Token], label: str) -> Likely:
        """How likely the arm takes labels to be true, by its answer's tokens; empty for unknown."""
        ...
