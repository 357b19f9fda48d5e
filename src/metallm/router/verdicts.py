"""What one feedback says of each step of a classification.

A query is judged as a whole, by the id of its first decision. A true label tells how right every
arm was that was asked, whatever was answered in the end; a bare quality tells of the last step
alone, whose answer is the query's.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.router.answers import Judgement


def verdicts(
    judgement: Judgement, steps: Sequence[tuple[Decision, Sequence[Outcome]]]
) -> list[tuple[Decision, Judgement]]:
    """The judgement of each step that it tells something of, first to last.

    Args:
        judgement: as it was sent.
        steps: the query's decisions in order, each with its outcomes.
    """
    (first, _), (last, outcomes) = steps[0], steps[-1]
    told = replace(judgement, decision_id=last.id)
    implied = implied_label(judgement, last.labels, answer_of(outcomes))
    if implied is not None:
        told = replace(told, quality=None, label=implied)
    if first is last or told.label is None:
        return [(last, told)]
    alone = replace(told, cost_usd=None, latency_s=None)
    before = [
        (decision, replace(alone, decision_id=decision.id))
        for decision, known in steps[:-1]
        if answered(known)
    ]
    return [*before, (last, told)]


def implied_label(judgement: Judgement, labels: Sequence[str], answer: str | None) -> str | None:
    """The true label that a quality of 0 or 1 tells where there are two; None where it tells none.

    With more labels a quality of 1 would tell one and a quality of 0 none, and whoever learned from
    the one alone would take every answer for right.
    """
    if judgement.judge is not None or judgement.quality is None or len(labels) != 2:
        return None
    if answer not in labels or judgement.quality not in {0.0, 1.0}:
        return None
    return answer if judgement.quality == 1.0 else next(each for each in labels if each != answer)


def answered(outcomes: Sequence[Outcome]) -> bool:
    """Whether an arm's answer came."""
    return any(each.kind == "completion" for each in outcomes)


def answer_of(outcomes: Sequence[Outcome]) -> str | None:
    """The label that was answered last; None where none was."""
    newest = next((each for each in reversed(outcomes) if each.kind == "completion"), None)
    return None if newest is None else newest.answer


def together(futures: Sequence[Future[None]]) -> Future[None]:
    """One future for several: resolved once all are, with the first error if any has one."""
    if len(futures) == 1:
        return futures[0]
    whole: Future[None] = Future()
    whole.set_running_or_notify_cancel()
    left, lock = [len(futures)], Lock()

    def settle(_: Future[None]) -> None:
        with lock:
            left[0] -= 1
            if left[0]:
                return
        error = next(filter(None, (each.exception() for each in futures)), None)
        if error is None:
            whole.set_result(None)
        else:
            whole.set_exception(error)

    for each in futures:
        each.add_done_callback(settle)
    return whole
