"""Rows that were answered, and what they came to by who answered, by label and over the run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from metallm.core.classes import EVIDENCE, STUDENT
from metallm.evaluation.classification import classification_report
from metallm.evaluation.confidence import calibration
from metallm.evaluation.intervals import Interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.core.task import Task
    from metallm.evaluation.classification import ClassificationReport
    from metallm.evaluation.confidence import Calibration

_K = TypeVar("_K")

MOST_SPANS = 20
"""Parts that a run is cut into."""

LEAST_IN_SPAN = 10
"""Rows in a part, so that its shares are some."""


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """One row that was answered.

    Args:
        row: its number.
        text: what was classified.
        label: of several joined as the task joins them; None where the answer named none.
        truth: the true label; None where it is not known.
        arm: who settled the label.
        cost_usd: None where unknown.
        confidence: 0 to 1; None where no task is learned.
        said: what each arm said that was asked, in order.
        at: POSIX seconds; None where it was not kept.
    """

    row: int
    text: str
    label: str | None
    truth: str | None
    arm: str
    cost_usd: float | None
    confidence: float | None
    said: tuple[tuple[str, str | None], ...] = ()
    at: float | None = None

    @property
    def correct(self) -> bool | None:
        """Whether the label is the true one; None where that is not known."""
        return None if self.truth is None else self.label == self.truth


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the rows.

    Args:
        name: of who answered them, or which label they got.
        rows: how many.
        judged: of how many the truth is known.
        accuracy: of those, with its 95 % interval; None where there are none.
        cost_usd: of those whose cost is known.
        unpriced: rows whose cost is not.
        confidence: mean; None where none has any.
    """

    name: str
    rows: int
    judged: int
    accuracy: Interval | None
    cost_usd: float
    unpriced: int
    confidence: float | None


@dataclass(frozen=True, slots=True)
class AskedArm:
    """What one arm said where it was asked, whoever settled the label.

    Args:
        arm: its name.
        calls: rows that it was asked about.
        agreed: of these, how many got the label that it said.
        accuracy: how often it was itself right, of the rows whose truth is known; None of none.
    """

    arm: str
    calls: int
    agreed: int
    accuracy: Interval | None


@dataclass(frozen=True, slots=True)
class Always:
    """What always asking one arm is expected to come to, for no arm answered every row.

    Args:
        arm: its name.
        rows: rows that the expectation is for.
        accuracy: expected share of correct labels.
        cost_usd: expected cost of all these rows; None where the arm's costs are unknown.
    """

    arm: str
    rows: int
    accuracy: float
    cost_usd: float | None


@dataclass(frozen=True, slots=True, eq=False)
class RunReport:
    """What a run of answers came to.

    Args:
        whole: all rows.
        by_arm: by who answered, the most rows first.
        asked: by who was asked, the most calls first; empty where no row had several calls.
        by_label: by what was answered, in the task's order, what named none last.
        spans: the run in parts, oldest first, each by arm with its rows.
        costs: USD that were spent after each row, shape (n,), oldest row first.
        scores: answers held against the truth; None where no truth is known.
        calibration: confidence held against the truth; None where either is missing.
    """

    whole: Share
    by_arm: tuple[Share, ...]
    asked: tuple[AskedArm, ...]
    by_label: tuple[Share, ...]
    spans: tuple[tuple[Share, dict[str, int]], ...]
    costs: tuple[float, ...]
    scores: ClassificationReport | None
    calibration: Calibration | None

    @property
    def own(self) -> tuple[Share, ...]:
        """What the router answered by itself, by text or by text and answers."""
        return tuple(each for each in self.by_arm if each.name in {STUDENT, EVIDENCE})


def run_report(task: Task, answers: Sequence[RowAnswer]) -> RunReport:
    """Sum up answers to a task.

    Args:
        task: whose labels and costs count.
        answers: at least one.
    """
    ordered = sorted(answers, key=lambda each: (each.at or 0.0, each.row))
    judged = [each for each in answers if each.truth is not None]
    sure = [each for each in judged if each.confidence is not None]
    by_label = _grouped(answers, lambda each: each.label)
    labels = [*task.labels, None]
    if task.kind == "multi":  # an answer names any of them together
        labels = [*sorted(filter(None, by_label)), None]
    arms = (share(arm, own) for arm, own in _grouped(answers, lambda each: each.arm).items())
    return RunReport(
        whole=share("all", answers),
        by_arm=tuple(sorted(arms, key=lambda each: (-each.rows, each.name))),
        asked=tuple(_asked(answers)),
        by_label=tuple(share(label or "", by_label.get(label, [])) for label in labels),
        spans=tuple(_spans(ordered)),
        costs=tuple(np.cumsum([each.cost_usd or 0.0 for each in ordered]).tolist()),
        scores=classification_report(
            task, [each.truth or "" for each in judged], [each.label for each in judged]
        )
        if judged
        else None,
        calibration=calibration(
            [each.confidence or 0.0 for each in sure], np.array([each.correct for each in sure])
        )
        if sure
        else None,
    )


def _grouped(
    answers: Sequence[RowAnswer], key: Callable[[RowAnswer], _K]
) -> dict[_K, list[RowAnswer]]:
    groups: dict[_K, list[RowAnswer]] = {}
    for each in answers:
        groups.setdefault(key(each), []).append(each)
    return groups


def share(name: str, answers: Sequence[RowAnswer]) -> Share:
    """Sum up some answers."""
    judged = [each for each in answers if each.truth is not None]
    right = sum(bool(each.correct) for each in judged)
    costs = [each.cost_usd for each in answers if each.cost_usd is not None]
    sure = [each.confidence for each in answers if each.confidence is not None]
    return Share(
        name,
        len(answers),
        len(judged),
        wilson_interval(right, len(judged)) if judged else None,
        sum(costs),
        len(answers) - len(costs),
        sum(sure) / len(sure) if sure else None,
    )


def _asked(answers: Sequence[RowAnswer]) -> list[AskedArm]:
    """What each arm said; nothing where each row's label is the word of one arm."""
    if all(len(each.said) < 2 for each in answers):
        return []
    calls: dict[str, list[tuple[str | None, RowAnswer]]] = {}
    for each in answers:
        for arm, label in each.said:
            calls.setdefault(arm, []).append((label, each))
    found = []
    for arm, said in calls.items():
        truths = [(label, each.truth) for label, each in said if each.truth is not None]
        right = sum(label == truth for label, truth in truths)
        agreed = sum(label == each.label for label, each in said)
        sure = wilson_interval(right, len(truths)) if truths else None
        found.append(AskedArm(arm, len(said), agreed, sure))
    return sorted(found, key=lambda each: (-each.calls, each.arm))


def _spans(ordered: Sequence[RowAnswer]) -> list[tuple[Share, dict[str, int]]]:
    """The run in parts of about as many rows."""
    count = max(1, min(MOST_SPANS, len(ordered) // LEAST_IN_SPAN))
    ends = np.linspace(0, len(ordered), count + 1).astype(int).tolist()
    spans = []
    for start, end in pairwise(ends):
        part = ordered[start:end]
        arms: dict[str, int] = {}
        for each in part:
            arms[each.arm] = arms.get(each.arm, 0) + 1
        spans.append((share(f"{start + 1} to {end}", part), arms))
    return spans
