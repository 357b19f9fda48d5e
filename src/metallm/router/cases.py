"""One classification in the log: its decisions, its answers, and the case that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.classes import OWN_ARMS, Case, words_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from metallm.core.classes import Answers, Likely
    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome


def step_id(first: str, number: int) -> str:
    """The id of a query's further decision, from that of its first one; numbers from 1."""
    return f"{first}.{number}"


def case_of(first: Decision, answers: Answers, likely: Iterable[tuple[str, Likely]] = ()) -> Case:
    """What a classification's first decision tells of its query.

    Labels are put in order: the same ones in another order are the same task.

    Args:
        first: the decision.
        answers: of the arms whose expected quality matters by now.
        likely: how likely these arms take labels to be, by arm.
    """
    return Case(
        first.id,
        first.task or "",
        tuple(sorted(first.labels)),
        words_in(first.words),
        first.context,
        {arm: first.estimates[arm].quality for arm, _ in answers if arm in first.estimates},
        dict(likely),
    )


def further_steps(first: str, decision_of: Callable[[str], Decision | None]) -> list[Decision]:
    """The decisions that went on from a query's first one, in order."""
    found: list[Decision] = []
    while (each := decision_of(step_id(first, len(found) + 1))) is not None:
        found.append(each)
    return found


def answers_in(steps: Sequence[tuple[Decision, Sequence[Outcome]]]) -> Answers:
    """What the arms that were asked had answered, oldest first."""
    completions = [
        outcome for _, outcomes in steps for outcome in outcomes if outcome.kind == "completion"
    ]
    return tuple((each.arm, each.answer) for each in completions if each.arm not in OWN_ARMS)


def likely_in(
    steps: Sequence[tuple[Decision, Sequence[Outcome]]], answers: Answers
) -> tuple[tuple[str, Likely], ...]:
    """How likely arms took labels to be, where they said so with these answers, by arm."""
    asked = {arm for arm, _ in answers}
    return tuple(
        each
        for _, outcomes in steps
        for outcome in outcomes
        if outcome.kind == "completion"
        for each in outcome.likely
        if each[0] in asked
    )
