"""What answers say where labels are letters: right or wrong, together or against each other."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arrays import FloatArray
from metallm.learners.letters import (
    _WEIGHTS,
    LEAST_GAIN,
    Skill,
    heard,
    skill_of,
    worth,
    worth_of_two,
)

FREE = np.zeros(2)
SOME = st.floats(0.02, 0.98)
FAIR = st.floats(0.4, 0.95)
"""Better than chance among four letters, so that naming one speaks for it."""


def _skill(*quality: float) -> Skill:
    return skill_of(np.array(quality))


def _posterior(places: list[int], said: Skill, labels: int) -> FloatArray:
    likelihood: FloatArray = heard(places, said, labels).sum(axis=(1, 2))
    chances: FloatArray = likelihood / likelihood.sum()
    return chances


def _next(
    places: list[int], said: Skill, arms: Skill, charges: FloatArray, calls: int
) -> FloatArray:
    return worth(places, said, _posterior(places, said, 4), arms, charges, calls)


@given(st.lists(SOME, min_size=1, max_size=5))
def test_over_all_difficulties_an_arm_is_as_good_as_was_said(quality: list[float]) -> None:
    skill = skill_of(np.array(quality))
    assert skill.right @ _WEIGHTS == pytest.approx(np.array(quality), abs=1e-9)
    # from the hardest queries to the easiest
    assert (np.diff(skill.right, axis=1) >= 0.0).all()


@given(SOME, SOME, st.integers(2, 6))
def test_whatever_the_truth_two_arms_name_some_pair_of_letters(
    one: float, other: float, labels: int
) -> None:
    said = _skill(one, other)
    pairs = product(range(labels), repeat=2)
    summed = sum(heard(list(pair), said, labels).sum(axis=(1, 2)) for pair in pairs)
    assert summed == pytest.approx(np.ones(labels))


@given(SOME, st.integers(2, 26))
def test_one_answer_is_right_with_its_arms_quality(quality: float, labels: int) -> None:
    chances = _posterior([1], _skill(quality), labels)
    assert chances[1] == pytest.approx(quality)
    assert np.delete(chances, 1) == pytest.approx((1.0 - quality) / (labels - 1))


def test_an_answer_that_names_no_letter_makes_the_query_look_hard_and_no_letter_likelier() -> None:
    said = _skill(0.7, 0.7)
    assert _posterior([4], said.of([0]), 4) == pytest.approx(np.full(4, 0.25))
    assert _posterior([4, 2], said, 4)[2] < 0.7


@given(FAIR)
def test_agreement_tells_more_than_one_answer_and_less_than_two_apart_would(each: float) -> None:
    both = _posterior([2, 2], _skill(each, each), 4)[2]
    odds = (each / (1.0 - each)) ** 2 * 3.0
    assert each < both < odds / (1.0 + odds)


@given(FAIR, FAIR)
def test_of_two_that_differ_the_better_ones_letter_is_likelier(one: float, other: float) -> None:
    chances = _posterior([0, 1], _skill(one, other), 4)
    assert (chances[0] - chances[1]) * (one - other) >= -1e-12


@given(FAIR, FAIR)
def test_a_second_answer_as_the_last_is_worth_no_more_than_the_better_arm_alone(
    one: float, other: float
) -> None:
    """Where they agree there was one to take, where they differ the better arm's is taken."""
    found = _next([3], _skill(one), _skill(other), np.zeros(1), 1)
    assert found + LEAST_GAIN == pytest.approx([max(one, other)])
    assert found[0] < max(one, other)


def test_an_unreadable_answer_leaves_the_next_arm_its_worth() -> None:
    found = _next([4], _skill(0.7), _skill(0.6), np.zeros(1), 1)
    assert 0.3 < found[0] < 0.6


@given(FAIR, FAIR, FAIR, st.floats(0.0, 0.3))
def test_a_third_arm_where_two_differ_is_worth_what_all_their_answers_together_tell(
    one: float, two: float, three: float, charge: float
) -> None:
    """Summed over every answer of three arms, against the closed form."""
    labels, skill = 4, _skill(one, two, three)
    agreed = alone = asked = differ = 0.0
    for pair in product(range(labels), repeat=2):
        known = heard(list(pair), skill.of([0, 1]), labels).sum(axis=(1, 2)) / labels
        if pair[0] == pair[1]:
            agreed += float(known[pair[0]])
            continue
        differ += float(known.sum())
        alone += float(known[list(pair)].max())
        for third in range(labels):
            said = [*pair, third]
            chances = heard(said, skill, labels).sum(axis=(1, 2)) / labels
            asked += float(chances[said].max())
    expected = agreed + max(alone, asked - differ * charge)
    charges = np.array([1.0, charge])
    found = worth_of_two(skill.of([0]), skill.of([1, 2]), charges, labels)
    assert found[0, 0] == pytest.approx(expected)


def test_with_three_calls_left_two_cheap_arms_go_before_a_dear_one() -> None:
    quality, charges = (0.64, 0.64, 0.7), np.array([0.01, 0.01, 0.09])
    arms = _skill(*quality)
    nobody = arms.of([])
    last = _next([], nobody, arms, charges, 1) - charges
    assert last == pytest.approx(np.array(quality) - charges, abs=1e-5)
    foreseen = _next([], nobody, arms, charges, 3) - charges
    assert foreseen[:2].min() > last.max() + 0.01
    # one of them has answered: now the other, and not the dear one
    then = _next([1], arms.of([0]), arms.of([1, 2]), charges[1:], 2) - charges[1:]
    assert then[0] > max(then[1], quality[0]) + 0.01
    assert _next([1], arms.of([0]), arms.of([1, 2]), charges[1:], 1).max() <= 0.7


def test_where_two_agreed_the_third_is_left_and_where_they_differ_it_is_asked() -> None:
    arms, dear = _skill(0.64, 0.64), _skill(0.7)
    charge = np.array([0.1])
    for places, asks in (([1, 1], False), ([1, 2], True)):
        sure = _posterior(places, arms, 4).max()
        assert bool(_next(places, arms, dear, charge, 1)[0] - charge[0] > sure) is asks


def test_a_bad_arm_is_not_asked_for_what_it_gets_wrong() -> None:
    """A guesser's letter must not pass for the one that tempts."""
    arms, others = _skill(0.64, 0.64), _skill(0.7, 0.18)
    found = _next([1, 2], arms, others, FREE, 1)
    assert found[0] > found[1] + 0.05


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whichever_way_arms_stand_they_are_worth_the_same(order: tuple[int, ...]) -> None:
    arms, charges = _skill(0.5, 0.6, 0.8), np.array([0.01, 0.02, 0.2])
    plain = _next([], arms.of([]), arms, charges, 3)
    turned = _next([], arms.of([]), arms.of(list(order)), charges[list(order)], 3)
    assert turned == pytest.approx(plain[list(order)])
