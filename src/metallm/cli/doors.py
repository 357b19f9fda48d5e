"""Where bulk answers come from: the seam, and a router in this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from metallm.errors import InputError, ProviderError, UnknownDecisionError
from metallm.evaluation.answered import Always

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.assembly import Router
    from metallm.cli.question import Question
    from metallm.core.decision import Decision
    from metallm.router.answers import Classified

AT_ONCE = 1000
"""Decisions that are looked up at once: a context is some kilobytes."""


class RowFailedError(Exception):
    """No arm answered for one row; others may fare better."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one arm said.

    Args:
        arm: its name.
        label: None where it named none of the labels.
    """

    arm: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer.

    Args:
        label: of several joined as the task joins them; None where the answer named none.
        arm: the arm that answered.
        cost_usd: None where the arm's price is unknown.
        decision_id: what feedback refers to.
        confidence: 0 to 1; None where no task is learned.
        calls: the arms that were asked, in order, and what each said.
    """

    label: str | None
    arm: str
    cost_usd: float | None
    decision_id: str
    confidence: float | None = None
    calls: tuple[Said, ...] = ()


class Door(Protocol):
    """Where a bulk classification gets its answers."""

    async def ask(self, text: str) -> Answered:
        """Classify a text.

        Raises:
            RowFailedError: this text got no answer.
            BudgetExhaustedError: a budget does not cover what it can cost.
            MetaLLMError: no text will.
        """
        ...

    async def judge(self, decision_id: str, label: str) -> None:
        """Tell the true label; returns once it is learned.

        Raises:
            MetaLLMError: it could not be told.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class KnowingDoor(Door, Protocol):
    """A door that can tell what always asking one arm would have come to."""

    async def always(self, decision_ids: Sequence[str]) -> list[Always]:
        """What each arm is expected to come to on the queries of some decisions.

        Decisions that are not in the log any more are left out.
        """
        ...


class RouterDoor:
    """A router in this process.

    Args:
        router: closed with the door.
        question: what is asked of each text.
        max_calls: arms that each text may be sent to.
    """

    def __init__(self, router: Router, question: Question, max_calls: int = 1) -> None:
        self._router = router
        self._question = question
        self._max_calls = max_calls

    async def ask(self, text: str) -> Answered:
        """Classify a text."""
        try:
            found = await self._classified(text)
        except (ProviderError, InputError) as error:
            raise RowFailedError(str(error)) from error
        question = self._question
        return Answered(
            joined(question, found.label),
            found.arm,
            found.cost_usd,
            found.decision_id,
            found.confidence,
            tuple(Said(call.arm, joined(question, call.label)) for call in found.calls),
        )

    async def _classified(self, text: str) -> Classified:
        from metallm.core.query import Query
        from metallm.router.classifier import Classifier

        question, calls = self._question, self._max_calls
        if question.plain:
            labels = question.task.labels
            return await self._router.classify(text, labels, task=question.name, max_calls=calls)
        form = question.form()
        query = Query.of(form.messages(text), task=question.name, text=text)
        return await Classifier(self._router.caller).classify(query, form, max_calls=calls)

    async def judge(self, decision_id: str, label: str) -> None:
        """Tell the true label."""
        from metallm.router.answers import Judgement

        _, done = self._router.submit_feedback(Judgement(decision_id, label=label))
        await asyncio.wrap_future(done)

    async def close(self) -> None:
        """Let go of connections and of the log."""
        await self._router.aclose()

    async def always(self, decision_ids: Sequence[str]) -> list[Always]:
        """What each arm is expected to come to, as now learned."""
        import numpy as np

        knowledge, names = self._router.knowledge, list(self._router.arms)
        quality, costs = np.zeros(len(names)), np.zeros(len(names))
        rows = 0
        for start in range(0, len(decision_ids), AT_ONCE):
            asked = self._known(decision_ids[start : start + AT_ONCE])
            if not asked:
                continue
            contexts = np.stack([decision.context for decision in asked])
            tokens = np.array([float(decision.input_tokens) for decision in asked])
            quality += knowledge.learner.estimate(contexts, names)[0].sum(axis=0)
            costs += knowledge.cost_usd(contexts, tokens, names).sum(axis=0)
            rows += len(asked)
        return [
            Always(name, rows, right / rows, None if np.isnan(cost) else cost)
            for name, right, cost in zip(names, quality.tolist(), costs.tolist(), strict=True)
            if rows
        ]

    def _known(self, decision_ids: Sequence[str]) -> list[Decision]:
        found = []
        for each in decision_ids:
            try:
                found.append(self._router.decision(each))
            except UnknownDecisionError:  # another log than the one they were made in
                continue
        return found


def joined(question: Question, label: str | Sequence[str] | None) -> str | None:
    """A label as text, several joined as the task joins them."""
    return label if label is None or isinstance(label, str) else question.task.canonical(label)
