"""What the log tells a quiz: prompts whose true label is known, and what was asked already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metallm.core.decision import Decision
from metallm.core.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metallm.core.log import Entry
    from metallm.evaluation.prompts import Prompt

Key = tuple[bytes, tuple[str, ...]]
"""What makes two prompts the same: the context that was decided on, and the labels."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An answer that the arm gave before.

    Args:
        decision_id: what feedback refers to.
        answer: what was read from it; None where it named none of the labels.
        cost_usd: None where unknown.
        judged: whether it has a judgement already that is true; a judge's is not.
    """

    decision_id: str
    answer: str | None
    cost_usd: float | None
    judged: bool = False


def key_of(decision: Decision) -> Key:
    """What another decision on the same prompt has in common with this one."""
    return decision.context.tobytes(), decision.labels


def earlier_answers(entries: Iterable[Entry], arm: str) -> dict[Key, Earlier]:
    """The answers of an arm to prompts with labels, judged ones rather than others.

    Args:
        entries: a log, oldest first.
        arm: name of the arm that answered.
    """
    keys: dict[str, Key] = {}
    answers: dict[str, Earlier] = {}
    for entry in entries:
        record = entry.record
        if isinstance(record, Decision) and record.labels:
            # after a fallback the arm that answered is another than was decided
            if arm in record.estimates:
                keys[record.id] = key_of(record)
        elif isinstance(record, Outcome) and record.arm == arm and record.decision_id in keys:
            known = answers.get(record.decision_id)
            if record.kind == "completion":
                answers[record.decision_id] = Earlier(
                    record.decision_id, record.answer, record.cost_usd
                )
            elif known is not None and _is_true(record):
                answers[record.decision_id] = replace(known, judged=True)
    found: dict[Key, Earlier] = {}
    for decision_id, answer in answers.items():
        key = keys[decision_id]
        if answer.judged or key not in found:
            found[key] = answer
    return found


def _is_true(outcome: Outcome) -> bool:
    judged = outcome.kind == "feedback" and outcome.quality is not None
    return judged and outcome.judge is None


def logged_prompts(entries: Iterable[Entry]) -> list[Prompt]:
    """Classifications whose text was logged and whose true label was told; each text once.

    Args:
        entries: a log, oldest first; the newest judgement of a text stands.
    """
    from metallm.evaluation.prompts import Prompt
    from metallm.tasks.classification import ClassificationTask

    asked: dict[str, Decision] = {}
    found: dict[str, Prompt] = {}
    for entry in entries:
        record = entry.record
        if isinstance(record, Decision) and record.text is not None and record.labels:
            asked[record.id] = record
        elif isinstance(record, Outcome) and record.label is not None:
            decision = asked.get(record.decision_id)
            if decision is None or decision.text is None or record.label not in decision.labels:
                continue
            (message,) = ClassificationTask(decision.labels).messages(decision.text)
            found[decision.text] = Prompt(
                decision.text, message["content"], decision.labels, record.label, task=decision.task
            )
    return list(found.values())
