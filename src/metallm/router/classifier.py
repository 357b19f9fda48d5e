"""Classify a text: ask arms one after the other for as long as that is worth its cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.core.classes import OWN_ARMS
from metallm.core.completion import ChatRequest
from metallm.core.outcome import Outcome
from metallm.errors import BudgetExhaustedError, InputError, ProviderError
from metallm.router.answers import Call, Classified, Judgement
from metallm.router.steps import Step
from metallm.router.waiting import done

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.decision import Decision
    from metallm.core.protocols import Form
    from metallm.core.query import Query
    from metallm.router.answers import Answer
    from metallm.router.caller import Caller


class Classifier:
    """Classifies by the router's own knowledge of a task, and by what arms answer.

    Args:
        caller: decides and calls.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._engine = caller.engine

    async def classify(
        self,
        query: Query,
        form: Form,
        *,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        max_calls: int = 1,
    ) -> Classified:
        """One text's label. All that was decided and answered is durable when it returns.

        Args:
            query: the text, with the messages that ask about it.
            form: reads answers.
            arms: names of the arms that may be asked; None for all.
            cost_weight: p for this query alone.
            max_calls: how many arms may be asked at most. With 1 an arm's answer is the label; with
                more all answers and the text settle it together.

        Raises:
            ProviderError: no arm answered, or the query was refused.
            InputError: an option cannot be used.
        """
        body = ChatRequest({"messages": list(query.messages)}, form.answer_format)
        if self._engine.knowledge.classes is None or form.task.kind == "multi":
            self._check_alone(max_calls, form)
            answer = await self._caller.answer(
                query,
                body,
                arms=arms,
                cost_weight=cost_weight,
                labels=form.labels,
                read=form.read,
            )
            found = _plain(answer)
        else:
            # an option's letter means something else in every text
            reads_text = form.task.kind != "choice"
            step = Step(query, form.labels, max_calls, arms, cost_weight, reads_text=reads_text)
            body = replace(body, logprobs=True)
            found, step = await self._steps(step, body, form)
            found = await self._audited(found, step, body, form)
        wanted = self._engine.wanted.asks(found.confidence)
        return replace(found, wants_label=True) if wanted else found

    def _check_alone(self, max_calls: int, form: Form) -> None:
        """Refuse further calls where one arm's answer is all that there can be.

        Raises:
            InputError: max_calls is not 1.
        """
        if max_calls == 1:
            return
        if form.task.kind == "multi":
            raise InputError(
                f"max_calls must be 1 for task {form.name!r}: several labels may fit a text, and "
                "answers of several arms are put together only where one does"
            )
        raise InputError(
            "max_calls above 1 needs a router that learns tasks: policy "
            f"{self._engine.policy.name!r} asks one arm alone"
        )

    async def _steps(self, step: Step, body: ChatRequest, form: Form) -> tuple[Classified, Step]:
        """The answer, and where the classification stands after it."""
        calls: list[Call] = []
        while True:
            decision, likely = await self._decided(step)
            first = step.first or decision
            if decision.arm in OWN_ARMS:
                found = await self._settled(first, decision, likely, calls)
                return found, replace(step, first=first, number=step.number + 1)
            try:
                answer = await self._caller.ask(decision, body, form.read, weigh=form.likely)
            except (ProviderError, BudgetExhaustedError):
                if not calls:
                    raise
                # what was answered before is an answer still
                step = replace(step, max_calls=len(calls), number=step.number + 1)
                continue
            calls.append(_call(answer))
            step = replace(step.after(answer), first=first, number=step.number + 1)
            if step.max_calls == 1:
                likely = self._engine.likeliest(step)
                return _told(first, calls, answer.label, answer.arm, likely), step

    async def _audited(
        self, found: Classified, step: Step, body: ChatRequest, form: Form
    ) -> Classified:
        """The answer, held against the reference's where that is known or asked for now.

        An answer of the reference that was asked for is the query's: it was paid for, and it is
        presumed right. One that does not come leaves the answer as it was.
        """
        audit, auditor = self._engine.audit, self._engine.auditor
        if audit is None or not (step.arms is None or audit.arm in step.arms):
            return found
        labels = dict(step.answers)
        if audit.arm in labels:
            auditor.passed()
        else:
            chance = auditor.chosen(found.confidence, self._engine.drawn(found.decision))
            if chance is None:
                return found
            decision, durable = self._engine.audit_step(step, audit.arm, chance)
            await done(durable)
            try:
                answer = await self._caller.ask(decision, body, form.read, weigh=form.likely)
            except (ProviderError, BudgetExhaustedError):
                return found
            labels[audit.arm] = answer.label
            found = self._with_reference(found, step, answer)
        label = labels[audit.arm]
        if label is not None:
            judgement = Judgement(found.decision_id, label=label, judge=audit.arm)
            await done(self._engine.submit_feedback(judgement)[1])
        return found

    def _with_reference(self, found: Classified, step: Step, answer: Answer) -> Classified:
        """The answer after an audit."""
        calls = [*found.calls, _call(answer)]
        likely = self._engine.likeliest(step.after(answer))
        if answer.label is None:
            return _told(found.decision, calls, found.label, found.arm, likely)
        return _told(found.decision, calls, answer.label, answer.arm, likely)

    async def _decided(self, step: Step) -> tuple[Decision, Mapping[str, float]]:
        decision, likely, durable = self._engine.decide_step(step)
        await done(durable)
        return decision, likely

    async def _settled(
        self, first: Decision, decision: Decision, likely: Mapping[str, float], calls: list[Call]
    ) -> Classified:
        """Answer with the label that is likeliest to do, and log that."""
        label = self._engine.scoring.best(first.task, likely)
        settled = Outcome(
            decision.id,
            decision.arm,
            "completion",
            answer=label,
            cost_usd=0.0,
            latency_s=0.0,
            at=self._engine.now(),
        )
        await done(self._engine.record([settled]))
        return _told(first, calls, label, decision.arm, likely)


def _told(
    first: Decision, calls: list[Call], label: str | None, arm: str, likely: Mapping[str, float]
) -> Classified:
    bills = [call.cost_usd for call in calls]
    return Classified(
        label,
        arm,
        None if None in bills else sum(filter(None, bills)),
        first.id,
        calls[-1].text if calls else "",
        None if label is None else likely[label],
        likely,
        tuple(calls),
        first,
    )


def _call(answer: Answer) -> Call:
    return Call(
        answer.arm,
        answer.label,
        answer.cost_usd,
        answer.cost_estimated,
        answer.latency_s,
        answer.text,
        answer.usage,
        answer.likely,
    )


def _plain(answer: Answer) -> Classified:
    """One arm's answer, where no task is learned."""
    call = _call(answer)
    return Classified(
        call.label,
        call.arm,
        call.cost_usd,
        answer.decision_id,
        call.text,
        None,
        {},
        (call,),
        answer.decision,
    )
