"""The steps of one classification: what can be done next, and what each would be worth.

A query starts with the text alone. At each step the router either answers, with the label that text
and answers so far make likeliest, or asks one more arm. Both are arms to the policy: answering
costs nothing and is as good as the likeliest label is likely; asking costs what the arm bills and
is as good as the answer will be then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.classes import EVIDENCE, STUDENT, Case
from metallm.errors import InputError
from metallm.router.beliefs import Beliefs, believe
from metallm.router.scoring import gains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from metallm.core.classes import Answers, Likely
    from metallm.core.decision import Decision
    from metallm.core.protocols import ClassLearner
    from metallm.core.query import Query
    from metallm.router.answers import Answer
    from metallm.router.knowledge import Knowledge
    from metallm.router.scoring import Scoring

MOST_CALLS = 8
"""Arms that one query may be sent to."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a classification stands.

    Args:
        query: what is asked.
        labels: what it may be answered with.
        max_calls: how many arms may be asked at most, this one included.
        arms: names of the arms that may be asked; None for all.
        cost_weight: p for this query alone.
        answers: what was answered so far, arm and label.
        likely: how likely these arms took labels to be, where they said so, by arm.
        first: the query's first decision; None where this is it.
        number: how many decisions there were before.
        reads_text: whether the text itself can tell the label; not where labels are letters of
            options, which mean something else in every query.
    """

    query: Query
    labels: tuple[str, ...]
    max_calls: int = 1
    arms: Sequence[str] | None = None
    cost_weight: float | None = None
    answers: Answers = ()
    likely: tuple[tuple[str, Likely], ...] = ()
    first: Decision | None = None
    number: int = 0
    reads_text: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.max_calls <= MOST_CALLS:
            raise InputError(f"max_calls must be 1 to {MOST_CALLS}, not {self.max_calls}")

    def after(self, answer: Answer) -> Step:
        """Where it stands with one more answer; which decision that was of is another matter."""
        told = ((answer.arm, answer.likely),) if answer.likely else ()
        return replace(
            self,
            answers=(*self.answers, (answer.arm, answer.label)),
            likely=(*self.likely, *told),
        )

    @property
    def can_ask(self) -> bool:
        """Whether another arm may be asked."""
        return len(self.answers) < self.max_calls


def believe_step(
    knowledge: Knowledge,
    classes: ClassLearner,
    step: Step,
    case: Case,
    names: tuple[str, ...],
    cost_weight: float,
    scoring: Scoring,
    latency_weight: float = 0.0,
) -> tuple[Beliefs, FloatArray]:
    """What is believed of the arms that can be asked, and of answering now.

    Args:
        knowledge: what was learned of arms.
        classes: what was learned of labels.
        step: where the classification stands.
        case: its query.
        names: the arms that can be asked next; none to answer in any case.
        cost_weight: p.
        scoring: how good a label is as the answer.
        latency_weight: reward that a second of waiting takes off.

    Returns:
        The beliefs, and how likely each of the case's labels is, shape (L,).
    """
    tokens = np.array([step.query.input_tokens], dtype=np.float64)
    tasks = [step.query.task or ""]
    asked = believe(
        knowledge,
        case.context[None],
        tokens,
        names,
        cost_weight,
        tasks=tasks,
        labels=step.labels,
        latency_weight=latency_weight,
    )
    chances = classes.posterior(case, step.answers)
    # as good as arms are said to be by the same task
    gain = gains(scoring.task_of(step.query.task, step.labels), case.labels)
    sure = float((chances if gain is None else gain @ chances).max())
    if names and step.max_calls > 1:
        quality = asked.quality[0]
        worth = classes.worth(
            _with_quality(case, dict(zip(names, quality.tolist(), strict=True))),
            step.answers,
            names,
            quality,
            charges=quality - asked.reward[0],
            calls=step.max_calls - len(step.answers),
            gains=gain,
        )
        # how good an arm is matters the less, the less there is left to tell
        asked = asked.moved(worth[None] - asked.quality, _left_to_tell(gain, len(chances), sure))
    own = _own_arm(classes, step, case)
    return asked if own is None else asked.beside(own, sure), chances


def _left_to_tell(gain: FloatArray | None, labels: int, sure: float) -> float:
    """What can still be gained, over what could be where all labels are as likely, 0 to 1.

    Args:
        gain: how good each answer is under each truth, as `gains` tells.
        labels: L.
        sure: how good answering now is expected to be.
    """
    if gain is None:
        return (1.0 - sure) / (1.0 - 1.0 / labels)
    least = float(gain.mean(axis=1).max())
    # where errors cost unlike, some doubts are worse than to know nothing
    return min((1.0 - sure) / (1.0 - least), 1.0) if least < 1.0 else 0.0


def _own_arm(classes: ClassLearner, step: Step, case: Case) -> str | None:
    """The name under which the router can answer by itself, or None."""
    if step.answers:
        return EVIDENCE
    if not step.reads_text:
        return None
    return STUDENT if classes.ready(case.task, case.labels) else None


def _with_quality(case: Case, known: dict[str, float]) -> Case:
    if case.quality:
        return case
    return replace(case, quality=known)
