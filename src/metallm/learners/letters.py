"""What answers say where labels are letters of options, which are others in every query.

Such a letter is right or wrong and nothing else, for no letter is likelier than another before any
answer. But arms are not wrong independently of each other: some queries are hard for all of them
(z), and one of the wrong options tempts whoever knows enough to be tempted (d).

    P(arm k is right | z) = σ(t_k + SPREAD · z),  z ~ N(0, 1),  t_k such that the mean over z is q_k
    P(arm k, being wrong, names a | d) = e_k [a = d] + (1 − e_k) / (L − 1),  e_k = TEMPTED · q_k

Two answers then say which is right no better than their arms' qualities do: where they differ the
better arm's counts, and it could have been asked alone. It is agreement that tells, and it takes a
third call to make use of it: ask two arms, and another where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.learners.confusion import LEAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray

MOST_LETTERS = 26

SPREAD = 1.7
TEMPTED = 0.9
"""Likeliest on 1,450 recorded questions of ARC that ten models answered, see decision 13."""

LEAST_GAIN = 1e-6
"""Taken off what asking is worth: rounding must not make a call of an answer that tells nothing."""

STEPS = 6
"""Of Newton's method for t; it starts near and converges at once."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
"""Points of z, and how likely each is, shape (Z,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Skill:
    """How K arms answer queries of every difficulty.

    Args:
        right: shape (K, Z), how likely each is right.
        tempted: shape (K,), how likely its wrong answer is the one that tempts: e.
    """

    right: FloatArray
    tempted: FloatArray

    def of(self, places: Sequence[int]) -> Skill:
        """Those of some arms."""
        return Skill(self.right[places], self.tempted[places])

    def stray(self, labels: int) -> FloatArray:
        """How likely a wrong answer is one certain wrong letter by itself, shape (K,)."""
        stray: FloatArray = (1.0 - self.tempted) / (labels - 1)
        return stray


def skill_of(quality: FloatArray) -> Skill:
    """Of arms that are right with these chances over all queries that look alike.

    Args:
        quality: shape (K,); taken for no nearer to 0 or 1 than `LEAST`.
    """
    quality = np.clip(quality, LEAST, 1.0 - LEAST)
    # near enough for Newton: a normal number behind σ flattens it by this factor
    t = np.log(quality / (1.0 - quality)) * np.sqrt(1.0 + np.pi / 8.0 * SPREAD * SPREAD)
    for _ in range(STEPS):
        right = _sigmoid(t[:, None] + SPREAD * _NODES)
        t -= (right @ _WEIGHTS - quality) / ((right * (1.0 - right)) @ _WEIGHTS)
    return Skill(_sigmoid(t[:, None] + SPREAD * _NODES), TEMPTED * quality)


def heard(places: Sequence[int], said: Skill, labels: int) -> FloatArray:
    """P(answers, d, z | y), shape (L, L, Z): by the true letter, the one that tempts, and z.

    Args:
        places: of the letters that n arms named, L for none of them.
        said: of these arms.
        labels: L, at least 2.
    """
    joint: FloatArray = np.zeros((labels, labels, len(_WEIGHTS)))
    joint[:] = (1.0 - np.eye(labels))[:, :, None] / (labels - 1) * _WEIGHTS
    strays = said.stray(labels)
    for place, right, tempted, stray in zip(places, said.right, said.tempted, strays, strict=True):
        if place == labels:
            joint *= 1.0 - right
            continue
        told = np.empty_like(joint)
        told[:] = (1.0 - right) * stray
        told[:, place] += tempted * (1.0 - right)
        told[place] = right
        joint *= told
    return joint


def worth(
    places: Sequence[int],
    said: Skill,
    before: FloatArray,
    arms: Skill,
    charges: FloatArray,
    calls: int,
    gains: FloatArray | None = None,
) -> FloatArray:
    """The chance of being right if each arm is asked next, shape (K,).

    Less what the calls after that one take off. Three answers are foreseen, no more; where errors
    cost unlike the gain after one, and no chance, is.

    Args:
        places: of the letters that were named so far, L for none of them.
        said: of the n arms that named them.
        before: shape (L,), how likely each letter is by now.
        arms: of the K that can be asked.
        charges: shape (K,), what asking each takes off.
        calls: how many arms can still be asked.
        gains: shape (L, L), how good each letter (row) is under each truth (column), 0 to 1; None
            where it is right or wrong.
    """
    labels, count = len(before), len(charges)
    one = worth_of_one(before, heard(places, said, labels), arms, gains) - LEAST_GAIN
    if gains is not None:
        return one
    named = [number for number, place in enumerate(places) if place < labels]
    if len(named) > 1 or len(named) + min(calls, count) < 3:
        return one
    if named:
        first = said.of(named[:1])
        gained = worth_of_two(first, arms, charges, labels)[0] - first.right @ _WEIGHTS
        foreseen: FloatArray = np.maximum(one, before.max() + gained)
        return foreseen
    two = worth_of_two(arms, arms, charges, labels, same=True) - charges
    best: FloatArray = np.maximum(one, two.max(axis=1))
    return best


def worth_of_one(
    before: FloatArray, joint: FloatArray, arms: Skill, gains: FloatArray | None = None
) -> FloatArray:
    """The chance of being right once one arm more has been asked, shape (K,).

    Args:
        before: shape (L,), how likely each letter is by now.
        joint: as `heard` gives it, of the answers so far.
        arms: of the K that can be asked.
        gains: as for `worth`.
    """
    labels = len(before)
    known = joint * (before / joint.sum(axis=(1, 2)))[:, None, None]
    wrong, by_truth = 1.0 - arms.right, known.sum(axis=1)
    # P(y, the arm says a), shape (K, L, L)
    both = np.einsum("ydz,kz->kyd", known, arms.tempted[:, None] * wrong)
    both += (arms.stray(labels)[:, None] * (wrong @ by_truth.T))[:, :, None]
    own = np.arange(labels)
    both[:, own, own] = arms.right @ by_truth.T
    if gains is not None:
        both = np.einsum("sy,kya->ksa", gains, both)
    # an answer that names no letter is counted among the wrong ones
    expected: FloatArray = both.max(axis=1).sum(axis=1)
    return expected


def worth_of_two(
    first: Skill, others: Skill, charges: FloatArray, labels: int, *, same: bool = False
) -> FloatArray:
    """What it is worth to ask two arms, and a third where they differ, shape (F, K).

    Args:
        first: of F arms.
        others: of K arms beside them.
        charges: shape (K,), what asking each of these takes off.
        labels: L.
        same: whether the first arms are the others: nobody is asked twice.

    Returns:
        The chance of being right in the end, less what the third's answer takes off on average; not
        less what the other two do.
    """
    p, q = (first.right * _WEIGHTS)[:, None], ((1.0 - first.right) * _WEIGHTS)[:, None]
    right, wrong = others.right, 1.0 - others.right
    as_first, as_other = _alike(first, others, labels), _alike(others, others, labels)
    unlike = (1.0 - as_first)[:, :, None]
    agree, only_first, only_other = (each.sum(axis=2) for each in (p * right, p * wrong, q * right))
    differ = only_first + only_other + (1.0 - as_first) * (q * wrong).sum(axis=2)
    # what a third arm says then, shape (F, K, K): whose letter it names, and who is right
    first_alone, other_alone = (p * wrong) @ wrong.T, (q * right) @ wrong.T
    told = np.maximum((p * wrong) @ right.T, as_first[:, None] * other_alone)
    told += np.maximum((q * right) @ right.T, as_other * first_alone)
    apart = np.maximum((1.0 - as_other) * first_alone, (1.0 - as_first)[:, None] * other_alone)
    told += np.maximum(apart, unlike * ((q * wrong) @ right.T))
    told -= differ[:, :, None] * charges
    own = np.arange(len(charges))
    told[:, own, own] = -np.inf
    if same:
        told[own, :, own] = -np.inf
    settled: FloatArray = agree + np.maximum(np.maximum(only_first, only_other), told.max(axis=2))
    if same:
        settled[own, own] = -np.inf
    return settled


def _alike(one: Skill, others: Skill, labels: int) -> FloatArray:
    """The chance that two arms, both wrong, name the same letter, shape (F, K)."""
    mine, theirs = one.stray(labels), others.stray(labels)
    alike: FloatArray = np.multiply.outer(one.tempted + mine, others.tempted + theirs)
    alike += (labels - 2) * np.multiply.outer(mine, theirs)
    return alike


def _sigmoid(x: FloatArray) -> FloatArray:
    half: FloatArray = 0.5 * (1.0 + np.tanh(0.5 * x))
    return half
