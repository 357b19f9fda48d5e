"""What each opinion says for each label: the text's, and what arms' answers are worth.

    P(y | text) ∝ P_words(y)^u₁ P_context(y)^u₂
    P(y | text, answers) ∝ P(y | text)^w₁ Π_k P(a_k | y)^w₂ odds_k^(w₃ [y = a_k])

where odds_k are those of arm k being right on this very query, as the router estimates them. The
text has a pool of its own: beside an arm that is nearly always right its opinion would seem to be
worth nothing, and it would never be known how far the student can be trusted alone.

Where arms told how sure they were of their answers, P(y | text, answers) has one factor more, of
what that is worth by each arm's record (learners/sureness.py). Such queries have a pool of their
own, so that nothing changes for others, nor where it is worth nothing.

Where the text cannot tell the label, for labels are letters of options, there is nothing to count:
learners/letters.py tells P(answers | y) from the arms' qualities on the query, and such tasks share
a pool of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.learners import letters
from metallm.learners.confusion import LEAST, Confusion
from metallm.learners.sureness import Sureness, shares_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metallm.core.arrays import FloatArray
    from metallm.core.classes import Answers, Case
    from metallm.learners.pool import Pool
    from metallm.learners.student import Student

TEXT, ANSWERS, ODDS, SURE = range(4)
"""Rows of opinions."""


@dataclass(slots=True)
class TaskKnowledge:
    """One task's knowledge; a student, which is large, once there is something to learn."""

    labels: tuple[str, ...]
    student: Student | None
    confusion: Confusion
    text: Pool
    pool: Pool
    letters: Pool
    sure: Pool
    sureness: Sureness

    def place(self, label: str | None) -> int:
        """Of a label; one past the last for an answer that named none of them."""
        return self.labels.index(label) if label in self.labels else len(self.labels)

    def weighs(self, case: Case, opinions: FloatArray) -> Pool:
        """The pool that weighs opinions on this query."""
        if has_letters(case):
            return self.letters
        return self.sure if len(opinions) > SURE else self.pool


def opinions_of(task: TaskKnowledge, case: Case, answers: Answers) -> FloatArray:
    """What each opinion says for each label, shape (3, L); the text's sums to 1.

    Shape (4, L) where it tells something how sure arms are.
    """
    count = len(case.labels)
    opinions = np.zeros((3, count))
    opinions[TEXT] = -np.log(count)
    if task.student is not None and len(case.words):
        opinions[TEXT] = np.log(task.text.chances(read_text(task.student, case)))
    if has_letters(case):
        joint = letters.heard(*letters_said(task, case, answers), count)
        opinions[ANSWERS] = np.log(joint.sum(axis=(1, 2)))
        return opinions
    for arm, label in answers:
        place, quality = task.place(label), case.quality.get(arm, 0.5)
        opinions[ANSWERS] += np.log(task.confusion.likelihood(arm, quality, place))
        if place < count:
            opinions[ODDS, place] += log_odds(np.array([quality]), count)[0]
    sure = _sure(task, case, answers)
    return np.vstack([opinions, sure]) if sure.any() else opinions


def read_text(student: Student, case: Case) -> FloatArray:
    """What a student's two experts say for each label, shape (2, L)."""
    told, novelty = student.log_chances(case.words, case.context)
    # of a text unlike all that it learned from, a student knows little whatever it says
    return (1.0 - novelty) * told


def has_letters(case: Case) -> bool:
    """Whether the text cannot tell the label: labels are letters of options."""
    return not len(case.words) and len(case.labels) <= letters.MOST_LETTERS


def letters_said(
    task: TaskKnowledge, case: Case, answers: Answers
) -> tuple[list[int], letters.Skill]:
    """Where the answers stand among the letters, and how their arms answer."""
    quality = np.array([_quality(task, case, arm, label) for arm, label in answers])
    return [task.place(label) for _, label in answers], letters.skill_of(quality)


def _quality(task: TaskKnowledge, case: Case, arm: str, label: str | None) -> float:
    """How likely an arm's answer is right, with how sure it is of it."""
    quality = case.quality.get(arm, 0.5)
    if arm not in case.likely or label is None:
        return quality
    shares = shares_of(case.likely[arm], case.labels)
    return task.sureness.quality(arm, quality, float(shares[task.place(label)]))


def told_sure(case: Case, answers: Answers) -> Iterator[tuple[str, str, float, FloatArray]]:
    """Arms that told how sure they were: name, answer, expected quality, own distribution."""
    for arm, label in answers:
        if arm in case.likely and label is not None:
            shares = shares_of(case.likely[arm], case.labels)
            yield arm, label, case.quality.get(arm, 0.5), shares


def _sure(task: TaskKnowledge, case: Case, answers: Answers) -> FloatArray:
    """What it tells how sure arms are, for each label, shape (L,)."""
    told = np.zeros(len(case.labels))
    for arm, label, quality, shares in told_sure(case, answers):
        told += task.sureness.evidence(arm, quality, shares, task.place(label))
    return told


def log_odds(quality: FloatArray, labels: int) -> FloatArray:
    """Of being right against naming any one wrong label, shape (K,)."""
    right = np.clip(quality, LEAST, 1.0 - LEAST)
    odds: FloatArray = np.log(right / (1.0 - right) * (labels - 1))
    return odds
