"""Feedback: judgements of decisions, each logged as outcomes once those before it are."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING

from metallm.router.cases import answers_in, likely_in
from metallm.router.judging import judged
from metallm.router.scoring import canonical
from metallm.router.standing import Standing
from metallm.router.turns import Turns
from metallm.router.verdicts import together, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from metallm.core.classes import Answers, Likely
    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.router.answers import Judgement
    from metallm.router.folded import FoldedLog
    from metallm.router.scoring import Scoring
    from metallm.router.turns import Turn


class Feedback:
    """Takes judgements. Safe to use from several threads.

    Args:
        log: what is judged stands there.
        scoring: what a true label makes of an answer.
        list_usd: USD of a standard answer of an arm to a query of so many tokens; None where that
            is unknown.
        clock: POSIX seconds.
    """

    def __init__(
        self,
        log: FoldedLog,
        scoring: Scoring,
        list_usd: Callable[[str, int], float | None],
        clock: Callable[[], float],
    ) -> None:
        self._log = log
        self._scoring = scoring
        self._list_usd = list_usd
        self._clock = clock
        self._turns = Turns(log.append, log.lock)

    def submit(self, judgement: Judgement) -> tuple[Outcome, Future[None]]:
        """Judge; the future resolves once the judgement is durable and learned.

        Raises:
            MetaLLMError: as `Engine.feedback`.
        """
        first = self._log.decision(judgement.decision_id)
        if first.parent is not None:
            first = self._log.decision(first.parent)
        if not first.labels:
            return self._submitted(judgement, first)
        task = self._scoring.task_of(first.task, first.labels)
        if judgement.label is not None:
            judgement = changed(judgement, label=canonical(task, first.labels, judgement.label))
        steps = self._log.steps(first)
        # of several labels a text nothing is learned but how good arms are at them
        learns = self._log.knowledge.classes is not None and (task is None or task.kind != "multi")
        answers = answers_in(steps) if learns else ()
        if judgement.judge is not None:
            # a reference's word tells nothing of what its own answers are worth
            answers = tuple(each for each in answers if each[0] != judgement.judge)
        likely = likely_in(steps, answers)
        told = [
            self._submitted(each, decision, *((answers, likely) if decision is first else ()))
            for decision, each in verdicts(judgement, steps)
        ]
        outcome = changed(told[-1][0], decision_id=first.id)
        return outcome, together([done for _, done in told])

    def wait(self) -> None:
        """Return once nothing more is on its way to the log."""
        self._turns.wait()

    def _submitted(
        self,
        judgement: Judgement,
        decision: Decision,
        answers: Answers = (),
        likely: tuple[tuple[str, Likely], ...] = (),
    ) -> tuple[Outcome, Future[None]]:
        """One decision judged, and the future of that.

        Args:
            judgement: of it.
            decision: the one.
            answers: of a query's first one, what its arms had answered.
            likely: how likely these took labels to be.
        """
        while True:
            failures = self._turns.failures
            # read before the lock is taken: a store may want it, to fold, while it holds its own
            earlier = self._log.outcomes(decision.id)
            with self._log.lock:
                if failures == self._turns.failures:
                    outcome, turn = self._judged(judgement, decision, earlier, answers, likely)
                    break
        return outcome, self._turns.go(turn)

    def _judged(
        self,
        judgement: Judgement,
        decision: Decision,
        earlier: Sequence[Outcome],
        answers: Answers,
        likely: tuple[tuple[str, Likely], ...],
    ) -> tuple[Outcome, Turn]:
        """What a judgement makes of what stands now, and its turn to be logged."""
        known = self._turns.standing(decision.id) or Standing.of(earlier)
        judges = self._log.knowledge.judges
        outcome, fresh = judged(judgement, decision, earlier, known, judges, self._scoring)
        if fresh is not None and answers:
            fresh = changed(fresh, answers=tuple(answers), likely=likely)
        listed, now = self._list_usd(outcome.arm, decision.input_tokens), self._clock()
        dated = changed(outcome, list_usd=listed, at=now)
        if fresh is None:
            return dated, self._turns.take(decision.id, (), known)
        # nearly always all of it is new
        kept = dated if fresh is outcome else changed(fresh, list_usd=listed, at=now)
        return dated, self._turns.take(decision.id, (kept,), known.after(kept))
