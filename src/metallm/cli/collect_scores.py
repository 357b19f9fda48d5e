"""How good collected answers are: by labels, by the very words, or by a judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from metallm.core.folding import fold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from metallm.cli.collecting import Prompt
    from metallm.core.protocols import Form


class Scorer(Protocol):
    """Says how good an answer is."""

    async def score(self, prompt: Prompt, answer: str) -> float | None:
        """Quality, 0 to 1; None where it cannot be told."""
        ...


class ByLabel:
    """By the label that an answer names, as its task scores it.

    Args:
        form: reads answers.
    """

    def __init__(self, form: Form) -> None:
        self._form = form

    async def score(self, prompt: Prompt, answer: str) -> float:
        """1 for the right label, 0 for none; between them as the task says."""
        return self._form.task.quality(self._form.read(answer), prompt.reference or "")


class ByWords:
    """By the very words: an answer is right where it says the reference and nothing else."""

    async def score(self, prompt: Prompt, answer: str) -> float:
        """1 or 0; case, spacing and a full stop make no difference."""
        return float(_bare(answer) == _bare(prompt.reference or ""))


class ByJudge:
    """By what a model says of it.

    Args:
        ask: sends a judge its prompt; gives its reply.
        rubric: what makes an answer good.
    """

    def __init__(self, ask: Callable[[str], Awaitable[str]], rubric: str) -> None:
        self._ask = ask
        self._rubric = rubric

    async def score(self, prompt: Prompt, answer: str) -> float | None:
        """The grade; an answer of nothing is worth nothing, and is not sent."""
        from metallm.tasks.grading import grading_prompt, read_grade

        if not answer.strip():
            return 0.0
        rubric = self._rubric
        if prompt.reference is not None:
            rubric = f"{rubric} It agrees with this reference: {prompt.reference}".strip()
        return read_grade(await self._ask(grading_prompt(prompt.messages, answer, rubric)))


def _bare(text: str) -> str:
    return fold(text.strip().rstrip(".").strip())
