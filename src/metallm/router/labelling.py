"""Which classifications a person should label: those whose true labels teach most.

The worth of asking about query i of task t, after some others were picked:

    worth_i = I_i · D_i · n_t / (1 + k_t) · (1 − max_j s_ij)

    I_i = H(p_i) / log L + ¼ V_i + ¼ M_i
    D_i = (1 + mean_j cos(x_i, x_j)) / 2
    s_ij = max(cos(x_i, x_j), 0)

    p_i   how likely each of the L labels is, by the text and the answers that came
    V_i   chance that two of its answers, drawn at random, differ
    M_i   largest difference in cost of two answers that differ, as a share of what the dearest arm
          costs: the label tells whether the dearer one is worth its money
    x_i   context; in D over the n_t waiting queries of the task, in s over those picked before
    k_t   queries of the task that were picked before

The first factor is uncertainty sampling; the second times it is information density, which keeps
away from outliers; n_t / (1 + k_t) gives tasks turns in proportion to what waits in them, as
d'Hondt's seats; the last makes a near duplicate of a picked query worth next to nothing. Queries
are picked one by one, the worthiest first. With n queries of d numbers and N picks that takes
O(n d N); the mean cosine is one product, for it is the cosine to the mean of the unit vectors.

Source: Lewis & Gale 1994, A Sequential Algorithm for Training Text Classifiers (uncertainty);
    Settles & Craven 2008, An Analysis of Active Learning Strategies for Sequence Labeling Tasks,
    equation 13 (density, with β = 1). The bonus and the turns are ours.

Note:
    What is learned from chosen queries is not what the stream would have taught: a student sees
    more of the hard ones, and how often an arm is right on them is no estimate of how often it is
    right on all.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.classes import OWN_ARMS
from metallm.core.query import Query
from metallm.router.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from metallm.core.arrays import Context, FloatArray
    from metallm.core.classes import Answers, Likely
    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.router.engine import Engine

LOOK_AT = 5000
"""Newest decisions of a log that are looked at."""

DISAGREEMENT = 0.25
STAKE = 0.25
"""What answers that differ add, in units of a task's whole entropy; and money between them."""

SAME = 1e-6
"""Contexts whose cosine is this near to 1 are those of one text."""


@dataclass(frozen=True, slots=True)
class Said:
    """One answer to a query.

    Args:
        arm: who answered.
        label: what was read; None where it named no label.
        cost_usd: USD; None where unknown.
        likely: how likely the arm itself takes labels to be; empty where it does not tell.
    """

    arm: str
    label: str | None
    cost_usd: float | None = None
    likely: Likely = ()


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A classification that was answered and has no true label.

    Args:
        first: its first decision, which feedback names.
        said: the answers that came, oldest first, our own arms' included.
    """

    first: Decision
    said: tuple[Said, ...]

    @property
    def answers(self) -> Answers:
        """What the arms that can be asked had answered."""
        return tuple((each.arm, each.label) for each in self.said if each.arm not in OWN_ARMS)

    @property
    def likely(self) -> tuple[tuple[str, Likely], ...]:
        """How likely these arms took labels to be, where they said so, by arm."""
        return tuple((each.arm, each.likely) for each in self.said if each.likely)

    @property
    def task(self) -> tuple[str, tuple[str, ...]]:
        """The task that a label would teach."""
        return self.first.task or "", tuple(sorted(self.first.labels))


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """A place in the queue.

    Args:
        waiting: the query.
        worth: of asking about it, when it was picked; above 0, compares within one queue.
    """

    waiting: Waiting
    worth: float


def unlabelled(recent: Iterable[tuple[Decision, Sequence[Outcome]]]) -> list[Waiting]:
    """The classifications without a true label, newest first.

    Whatever was judged for sure is left out, with a label or with a bare quality; an opinion of a
    judge leaves it in.

    Args:
        recent: decisions with their outcomes, newest first, as `Store.recent` gives them.
    """
    firsts: list[Decision] = []
    outcomes: dict[str, list[Outcome]] = {}
    for decision, came in recent:
        if decision.parent is None and decision.labels:
            firsts.append(decision)
        # the steps of a query come newest first, its answers are wanted oldest first
        outcomes.setdefault(decision.parent or decision.id, [])[:0] = came
    found = (Waiting(first, _said(outcomes[first.id])) for first in firsts)
    return [each for each in found if each.said and not _judged(outcomes[each.first.id])]


def _said(outcomes: Sequence[Outcome]) -> tuple[Said, ...]:
    return tuple(
        Said(each.arm, each.answer, each.cost_usd, dict(each.likely).get(each.arm, ()))
        for each in outcomes
        if each.kind == "completion"
    )


def _judged(outcomes: Sequence[Outcome]) -> bool:
    return any(
        each.kind == "feedback" and each.quality is not None and each.judge is None
        for each in outcomes
    )


def likely_by(engine: Engine) -> Callable[[Waiting], Sequence[float]]:
    """How likely labels are as a router believes now; all alike where it learns no tasks."""

    def likely(waiting: Waiting) -> Sequence[float]:
        first = waiting.first
        query = Query.of(first.id, task=first.task)  # only its place in the log matters
        answers, said = waiting.answers, waiting.likely
        step = Step(query, first.labels, answers=answers, likely=said, first=first)
        told = engine.likeliest(step)
        return [told.get(label, 1.0 / len(first.labels)) for label in first.labels]

    return likely


def queue(
    waiting: Sequence[Waiting], likely: Callable[[Waiting], Sequence[float]], count: int
) -> list[Wanted]:
    """Whom to ask about, the worthiest first. The same arguments give the same queue.

    Args:
        waiting: n queries.
        likely: of a query, how likely each of its labels is.
        count: how many are wanted; fewer come where the others teach nothing, as copies of
            picked ones.
    """
    if not waiting:
        return []
    contexts = np.stack([_unit(each.first.context) for each in waiting])
    tasks = [each.task for each in waiting]
    places = _places(tasks)
    worth = np.array([information(each, likely(each)) for each in waiting])
    for rows in places.values():
        near = contexts[rows] @ contexts[rows].mean(axis=0)
        worth[rows] *= (1.0 + np.clip(near, -1.0, 1.0)) / 2.0 * len(rows)
    left, turns = np.ones(len(waiting)), np.ones(len(waiting))
    picked: list[Wanted] = []
    while len(picked) < count:
        now = worth * left / turns
        best = int(now.argmax())  # the newest of equals
        if now[best] <= 0.0:
            break
        picked.append(Wanted(waiting[best], float(now[best])))
        rows = places[tasks[best]]
        like = np.clip(contexts[rows] @ contexts[best], 0.0, 1.0)
        left[rows] = np.minimum(left[rows], np.where(like > 1.0 - SAME, 0.0, 1.0 - like))
        left[best] = 0.0
        turns[rows] += 1.0
    return picked


def information(waiting: Waiting, likely: Sequence[float]) -> float:
    """What a label is expected to tell, 0 to 1.5: I in the formula above.

    Args:
        waiting: the query.
        likely: how likely each of its labels is.
    """
    chances = np.asarray(likely, dtype=np.float64)
    chances = chances[chances > 0.0]
    told = -float((chances * np.log(chances)).sum()) / float(np.log(max(len(likely), 2)))
    asked = [each for each in waiting.said if each.arm not in OWN_ARMS]
    pairs = list(combinations(asked, 2))
    apart = [(a, b) for a, b in pairs if a.label != b.label]
    disagreement = len(apart) / len(pairs) if pairs else 0.0
    stake = max((_stake(a, b, waiting.first.cost_scale) for a, b in apart), default=0.0)
    return max(told, 0.0) + DISAGREEMENT * disagreement + STAKE * stake


def _stake(one: Said, other: Said, scale_usd: float) -> float:
    """Difference in cost as a share of what the dearest arm costs, 0 to 1."""
    if one.cost_usd is None or other.cost_usd is None or scale_usd <= 0.0:
        return 0.0
    return min(abs(one.cost_usd - other.cost_usd) / scale_usd, 1.0)


def _places(tasks: Sequence[tuple[str, tuple[str, ...]]]) -> dict[object, list[int]]:
    places: dict[object, list[int]] = {}
    for place, task in enumerate(tasks):
        places.setdefault(task, []).append(place)
    return places


def _unit(context: Context) -> FloatArray:
    wide = np.asarray(context, dtype=np.float64)
    length = float(np.linalg.norm(wide))
    return wide / length if length > 0.0 else wide
