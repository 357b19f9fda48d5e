"""From a judgement, as callers send it, to an outcome for the log; repeats and corrections."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.core.outcome import Lesson, Outcome
from metallm.errors import FeedbackConflictError, InputError
from metallm.router.checks import check_judge, check_range, check_weight
from metallm.router.scoring import canonical, quality_of
from metallm.router.standing import Said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.decision import Decision
    from metallm.router.answers import Judgement
    from metallm.router.judges import Judges
    from metallm.router.scoring import Scoring
    from metallm.router.standing import Standing


def judged(
    judgement: Judgement,
    decision: Decision,
    earlier: Sequence[Outcome],
    known: Standing,
    judges: Judges,
    scoring: Scoring,
) -> tuple[Outcome, Outcome | None]:
    """The outcome that a judgement makes, and what of it is new; None where nothing is.

    Args:
        judgement: what was sent.
        decision: the decision it is about.
        earlier: the decision's durable outcomes, oldest first.
        known: what stands of the decision.
        judges: what is known of judges.
        scoring: what a true label makes of an answer.

    Raises:
        InputError: a value out of range, or nothing to learn from.
        UnknownLabelError: the label is not among those that were asked about.
        FeedbackConflictError: judged differently before, and `replace` is False.
    """
    _check(judgement)
    answered = next((o for o in reversed(earlier) if o.kind == "completion"), None)
    said = _said(judgement, decision, answered, judges, scoring)
    if judgement.judge is None and not judgement.replace:
        said = _as_scored(said, known.gold)
    arm = decision.arm if answered is None else answered.arm
    outcome = Outcome(
        decision.id,
        arm,
        "feedback",
        quality=None if said is None else said.quality,
        label=None if said is None else said.label,
        cost_usd=_plain(judgement.cost_usd),
        latency_s=_plain(judgement.latency_s),
        weight=1.0 if said is None else said.weight,
        judge=judges.speaking(judgement.judge, arm),
    )
    news = None
    if said is not None and outcome.judge is None:
        news = _gold(outcome, said, known, replacing=judgement.replace)
    elif said is not None:
        news = _opinion(outcome, said, known, judges, replacing=judgement.replace)
    return news or outcome, _fresh(outcome, news, known)


def _fresh(outcome: Outcome, news: Outcome | None, known: Standing) -> Outcome | None:
    """What is to be logged: of quality, cost and latency what is new; None where nothing is."""
    quality = None if news is None else news.quality
    cost_usd = None if outcome.cost_usd == known.cost_usd else outcome.cost_usd
    latency_s = None if outcome.latency_s == known.latency_s else outcome.latency_s
    told = (quality, cost_usd, latency_s)
    if told == (None, None, None):
        return None
    whole = news or outcome
    if told == (whole.quality, whole.cost_usd, whole.latency_s):
        return whole
    return replace(whole, quality=quality, cost_usd=cost_usd, latency_s=latency_s)


def _gold(outcome: Outcome, said: Said, known: Standing, *, replacing: bool) -> Outcome | None:
    """The outcome of a judgement that is true; None where it says nothing new.

    It takes the place of whatever the arm had learned, and shows judges how right they were.
    """
    before, lessons = known.gold, _lessons(known.opinions, said, 1.0)
    if before is not None:
        # a label that comes after a bare quality is news, and no contradiction
        other_label = None not in {said.label, before.label} and said.label != before.label
        if other_label and not replacing:
            raise FeedbackConflictError(
                outcome.decision_id, f"label {before.label!r}", f"{said.label!r}"
            )
        if not said.same(before) and not replacing:
            raise FeedbackConflictError(outcome.decision_id, str(before), str(said))
        if said.same(before):
            if said.label in {None, before.label}:
                return None
            lessons = ()
        else:
            lessons = (*_lessons(known.opinions, before, -1.0), *lessons)
    return _in_place(outcome, known, lessons)


def _opinion(
    outcome: Outcome, said: Said, known: Standing, judges: Judges, *, replacing: bool
) -> Outcome | None:
    """The outcome of a judge's opinion; None where it says nothing new.

    Where the truth is known already the arm learns nothing from it: it is kept for the judge's
    record. Otherwise all opinions on the decision are corrected anew, and take the place of what
    the earlier ones had taught.
    """
    judge = outcome.judge or ""
    before = known.opinions.get(judge)
    lessons = [Lesson(judge, said.quality, None, 1.0)]
    if before is not None:
        if said.same(before):
            return None
        if not replacing:
            raise FeedbackConflictError(outcome.decision_id, f"{before} by {judge}", str(said))
        lessons.insert(0, Lesson(judge, before.quality, None, -1.0))
    if known.gold is not None:
        if before is not None:
            lessons += _lessons({judge: before}, known.gold, -1.0)
        lessons += _lessons({judge: said}, known.gold, 1.0)
        return replace(outcome, lessons=tuple(lessons))
    taught = judges.corrected({**known.opinions, judge: said})
    if taught is not None:
        outcome = replace(outcome, corrected=taught.quality, corrected_weight=taught.weight)
    return _in_place(outcome, known, tuple(lessons))


def _lessons(opinions: Mapping[str, Said], gold: Said, sign: float) -> tuple[Lesson, ...]:
    """What gold tells of the judges that gave these opinions, as much as gold counts."""
    weight = sign * gold.weight
    return tuple(
        Lesson(judge, said.quality, gold.quality, weight) for judge, said in opinions.items()
    )


def _in_place(outcome: Outcome, known: Standing, lessons: tuple[Lesson, ...]) -> Outcome:
    """The outcome with its lessons, taking back what the arm had learned of the decision before."""
    if known.taught is None:
        return replace(outcome, lessons=lessons) if lessons else outcome
    quality, weight, label, answers, _ = known.taught
    return replace(
        outcome,
        replaces=quality,
        replaces_weight=weight,
        replaces_label=label,
        replaces_answers=answers,
        lessons=lessons,
    )


def _check(judgement: Judgement) -> None:
    check_range("quality", judgement.quality, most=1.0)
    check_range("cost_usd", judgement.cost_usd)
    check_range("latency_s", judgement.latency_s)
    check_weight(judgement.weight)
    check_judge(judgement.judge)
    if judgement.quality is not None and judgement.label is not None:
        raise InputError("give a quality or a label, not both")
    if judgement.quality is None and judgement.label is None:
        if judgement.judge is not None or judgement.weight != 1.0:
            given = "judge" if judgement.judge is not None else "weight"
            raise InputError(f"a {given} needs a quality from 0 to 1, or a label, beside it")
        if judgement.cost_usd is None and judgement.latency_s is None:
            raise InputError("feedback needs a quality from 0 to 1, or a label")


def _plain(value: float | None) -> float | None:
    """A float of Python's own, for the log."""
    return None if value is None else float(value)


def _as_scored(said: Said | None, gold: Said | None) -> Said | None:
    """The same label once more, at the quality that it had: what errors cost may have changed."""
    if said is None or gold is None or said.label is None or said.label != gold.label:
        return said
    return replace(said, quality=gold.quality)


def _said(
    judgement: Judgement,
    decision: Decision,
    answered: Outcome | None,
    judges: Judges,
    scoring: Scoring,
) -> Said | None:
    """The quality that was sent, or what a true label makes of the arm's answer.

    An unreadable answer counts as wrong. A judge's label counts as its word on the answer and is
    not kept, for it may not be the true one; only a reference's is, to be learned from.
    """
    label, weight = judgement.label, float(judgement.weight)
    if label is None:
        return None if judgement.quality is None else Said(float(judgement.quality), weight)
    if not decision.labels:
        raise InputError(
            f"decision {decision.id} did not ask for labels: send a quality from 0 to 1"
        )
    task = scoring.task_of(decision.task, decision.labels)
    label = canonical(task, decision.labels, label)
    if answered is None:
        raise InputError(
            f"decision {decision.id} has no answer yet to hold the label against: send a quality"
        )
    kept = judgement.judge in {None, judges.reference}
    quality = quality_of(task, answered.answer, label)
    return Said(quality, weight, label if kept else None)
