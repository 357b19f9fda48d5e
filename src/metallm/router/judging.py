"""From a judgement, as callers send it, to an outcome for the log; repeats and corrections."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from metallm.core.outcome import Outcome
from metallm.errors import FeedbackConflictError, InputError, UnknownLabelError
from metallm.router.checks import check_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.decision import Decision
    from metallm.router.answers import Judgement


REMEMBERED = 10_000
"""More judgements than can be on their way to the log at once."""


@dataclass(slots=True)
class Judge:
    """Turns judgements into outcomes.

    It remembers the newest, for some are on their way to the log and cannot be read there yet.
    Not safe for several threads by itself: the router holds its lock around each call.
    """

    _newest: OrderedDict[str, _Standing] = field(default_factory=OrderedDict)

    def outcome(
        self, judgement: Judgement, decision: Decision, earlier: Sequence[Outcome], at: float
    ) -> tuple[Outcome, Outcome | None]:
        """The outcome that a judgement makes, and what of it is new; None where nothing is.

        Args:
            judgement: what was sent.
            decision: the decision it is about.
            earlier: the decision's durable outcomes, oldest first.
            at: POSIX seconds.

        Raises:
            InputError: a value out of range, or nothing to learn from.
            UnknownLabelError: the label is not among those that were asked about.
            FeedbackConflictError: judged differently before, and `replace` is False.
        """
        check_range("quality", judgement.quality, most=1.0)
        check_range("cost_usd", judgement.cost_usd)
        check_range("latency_s", judgement.latency_s)
        answered = next((o for o in reversed(earlier) if o.kind == "completion"), None)
        quality = _quality(judgement, decision, answered)
        cost_usd, latency_s = _plain(judgement.cost_usd), _plain(judgement.latency_s)
        known = self._newest.get(decision.id) or _standing(earlier)
        differs = None not in {quality, known.quality} and quality != known.quality
        relabelled = None not in {judgement.label, known.label} and judgement.label != known.label
        if relabelled and not judgement.replace:
            raise FeedbackConflictError(
                decision.id, f"label {known.label!r}", f"{judgement.label!r}"
            )
        if differs and not judgement.replace:
            raise FeedbackConflictError(decision.id, f"quality {known.quality:g}", f"{quality:g}")
        # a label that comes after a bare quality is news, and no contradiction
        named = None not in {judgement.label, known.quality} and known.label is None
        anew = differs or relabelled or named
        outcome = Outcome(
            decision.id,
            decision.arm if answered is None else answered.arm,
            "feedback",
            quality=quality,
            label=judgement.label,
            cost_usd=cost_usd,
            latency_s=latency_s,
            replaces=known.quality if anew else None,
            replaces_label=known.label if anew else None,
            at=at,
        )
        fresh = replace(
            outcome,
            quality=None if quality == known.quality and not anew else quality,
            cost_usd=None if cost_usd == known.cost_usd else cost_usd,
            latency_s=None if latency_s == known.latency_s else latency_s,
        )
        self._remember(decision.id, known.after(outcome))
        told = (fresh.quality, fresh.cost_usd, fresh.latency_s)
        return outcome, None if told == (None, None, None) else fresh

    def withdraw(self, outcome: Outcome) -> None:
        """Forget an outcome that did not get into the log: what is there stands again."""
        self._newest.pop(outcome.decision_id, None)

    def _remember(self, decision_id: str, standing: _Standing) -> None:
        self._newest[decision_id] = standing
        if len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is known of a decision from feedback so far."""

    quality: float | None = None
    label: str | None = None
    cost_usd: float | None = None
    latency_s: float | None = None

    def after(self, told: Outcome) -> _Standing:
        # a quality that says the same leaves the label standing, another one takes it along
        kept = self.label if told.quality in {None, self.quality} else None
        return _Standing(
            self.quality if told.quality is None else told.quality,
            kept if told.label is None else told.label,
            self.cost_usd if told.cost_usd is None else told.cost_usd,
            self.latency_s if told.latency_s is None else told.latency_s,
        )


def _standing(earlier: Sequence[Outcome]) -> _Standing:
    standing = _Standing()
    for told in earlier:
        if told.kind == "feedback":
            standing = standing.after(told)
    return standing


def _plain(value: float | None) -> float | None:
    """A float of Python's own, for the log."""
    return None if value is None else float(value)


def _quality(judgement: Judgement, decision: Decision, answered: Outcome | None) -> float | None:
    """The quality that was sent, or what a true label makes of the arm's answer.

    An unreadable answer counts as wrong.
    """
    label = judgement.label
    if label is None:
        given = (judgement.quality, judgement.cost_usd, judgement.latency_s)
        if all(value is None for value in given):
            raise InputError("feedback needs a quality from 0 to 1, or a label")
        return None if judgement.quality is None else float(judgement.quality)
    if judgement.quality is not None:
        raise InputError("give a quality or a label, not both")
    if not decision.labels:
        raise InputError(
            f"decision {decision.id} did not ask for labels: send a quality from 0 to 1"
        )
    if label not in decision.labels:
        raise UnknownLabelError(label, decision.labels)
    if answered is None:
        raise InputError(
            f"decision {decision.id} has no answer yet to hold the label against: send a quality"
        )
    return float(answered.answer == label)
