"""What is known of judges, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.outcome import Lesson
from metallm.router.judges import CLEAR, PRIOR_RIGHT, PRIOR_WRONG, Judges
from metallm.router.standing import Said

PRIOR = PRIOR_RIGHT + PRIOR_WRONG


def _judges(pairs: list[tuple[float, float]], judge: str = "j") -> Judges:
    """A judge's record after pairs of what it said and what was true."""
    judges = Judges()
    for said, gold in pairs:
        judges.learn(Lesson(judge, said, None, 1.0))
        judges.learn(Lesson(judge, said, gold, 1.0))
    return judges


def _counted(right_good: int, wrong_good: int, right_bad: int, wrong_bad: int) -> Judges:
    return _judges(
        [(1.0, 1.0)] * right_good
        + [(0.0, 1.0)] * wrong_good
        + [(0.0, 0.0)] * right_bad
        + [(1.0, 0.0)] * wrong_bad
    )


def test_a_judge_without_gold_has_the_prior() -> None:
    record = Judges().record("nobody")
    assert (record.n, record.gold_n) == (0, 0)
    assert record.sensitivity == record.specificity == pytest.approx(0.8)
    assert record.weight == pytest.approx(0.6**2)
    # (1 − 0.2) / 0.6 and (0 − 0.2) / 0.6: outside of 0 to 1, and not clipped
    assert record.corrected(1.0) == pytest.approx(4 / 3)
    assert record.corrected(0.0) == pytest.approx(-1 / 3)


@given(st.tuples(*[st.integers(0, 40)] * 4))
def test_with_gold_of_0_and_1_the_record_is_the_mean_of_two_betas(counts: tuple[int, ...]) -> None:
    right_good, wrong_good, right_bad, wrong_bad = counts
    record = _counted(right_good, wrong_good, right_bad, wrong_bad).record("j")
    good, bad = right_good + wrong_good + PRIOR, right_bad + wrong_bad + PRIOR
    sensitivity, specificity = (right_good + PRIOR_RIGHT) / good, (right_bad + PRIOR_RIGHT) / bad
    assert record.sensitivity == pytest.approx(sensitivity, abs=1e-9)
    assert record.specificity == pytest.approx(specificity, abs=1e-9)
    power = sensitivity + specificity - 1
    variance = sensitivity * (1 - sensitivity) / (good + 1)
    variance += specificity * (1 - specificity) / (bad + 1)
    if abs(power - CLEAR * variance**0.5) > 1e-9:
        clear = power > CLEAR * variance**0.5
        assert record.weight == pytest.approx(power**2 if clear else 0.0, abs=1e-9)
    assert (record.n, record.gold_n) == (sum(counts), sum(counts))


@pytest.mark.parametrize("quality", [0.0, 0.3, 1.0])
def test_the_corrected_quality_has_the_true_quality_as_its_mean(quality: float) -> None:
    record = _counted(180, 20, 120, 80).record("j")
    said_good = quality * record.sensitivity + (1 - quality) * (1 - record.specificity)
    mean = said_good * record.corrected(1.0) + (1 - said_good) * record.corrected(0.0)
    assert mean == pytest.approx(quality)
    # and the weight is 1 / the growth of its variance
    spread = record.corrected(1.0) - record.corrected(0.0)
    assert spread**-2 == pytest.approx(record.weight)


def test_graded_gold_teaches_the_line_and_not_less() -> None:
    rng = np.random.default_rng(0)
    gold = rng.uniform(0.2, 0.8, size=20_000)
    record = _judges([(0.1 + 0.7 * g, g) for g in gold.tolist()]).record("j")
    assert record.sensitivity == pytest.approx(0.8, abs=0.01)
    assert record.specificity == pytest.approx(0.9, abs=0.01)
    assert record.corrected(0.1 + 0.7 * 0.5) == pytest.approx(0.5, abs=0.01)


def test_gold_that_is_always_the_same_half_tells_little_of_either() -> None:
    record = _judges([(0.5, 0.5)] * 1000).record("j")
    low, high = record.sensitivity_interval
    assert low < 0.4
    assert high > 0.8


def test_gold_counts_for_a_judge_as_much_as_it_weighs() -> None:
    half, full = Judges(), Judges()
    for _ in range(20):
        half.learn(Lesson("j", 0.0, 1.0, 0.5))
    for _ in range(10):
        full.learn(Lesson("j", 0.0, 1.0, 1.0))
    assert half.record("j").sensitivity == pytest.approx(full.record("j").sensitivity)
    assert (half.record("j").gold_n, full.record("j").gold_n) == (20, 10)


@pytest.mark.parametrize(
    ("counts", "why"),
    [((20, 20, 20, 20), "a coin"), ((2, 38, 4, 36), "the contrary"), ((0, 0, 1, 3), "a few bad")],
)
def test_a_judge_that_does_not_clearly_tell_good_from_bad_teaches_nothing(
    counts: tuple[int, int, int, int], why: str
) -> None:
    judges = _counted(*counts)
    assert judges.record("j").weight == 0.0, why
    assert judges.corrected({"j": Said(1.0)}) is None


def test_intervals_are_wilson_s_and_grow_narrow() -> None:
    few, many = _counted(9, 1, 6, 4).record("j"), _counted(900, 100, 600, 400).record("j")
    n, share = 12.5, 11 / 12.5
    z = 1.959963984540054
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    assert few.sensitivity_interval == pytest.approx((middle - half, middle + half))
    low, high = many.specificity_interval
    assert 0.56 < low < 0.6 < high < 0.64


def test_opinions_on_one_decision_are_weighed_by_their_information() -> None:
    judges = _counted(90, 10, 60, 40)
    for lesson in (Lesson("sharp", 1.0, 1.0, 1.0), Lesson("sharp", 0.0, 0.0, 1.0)):
        for _ in range(100):
            judges.learn(lesson)
    one, other = judges.record("j"), judges.record("sharp")
    taught = judges.corrected({"j": Said(1.0), "sharp": Said(0.0, weight=0.1)})
    weights = (one.weight, 0.1 * other.weight)
    mean = weights[0] * one.corrected(1.0) + weights[1] * other.corrected(0.0)
    assert taught is not None
    assert taught[:2] == pytest.approx((mean / sum(weights), sum(weights)))
    both = judges.corrected({"j": Said(1.0), "sharp": Said(1.0)})
    assert both is not None
    assert both.weight == 1.0  # never more than the truth


LESSONS = st.builds(
    Lesson,
    st.sampled_from(["a", "b"]),
    st.sampled_from([0.0, 0.25, 1.0]),
    st.sampled_from([None, 0.0, 0.5, 1.0]),
    st.sampled_from([0.25, 1.0]),
)


@given(st.lists(LESSONS, max_size=12), st.lists(LESSONS, max_size=12))
def test_a_lesson_taken_back_leaves_no_trace(kept: list[Lesson], gone: list[Lesson]) -> None:
    straight, corrected = Judges(), Judges()
    for lesson in kept:
        straight.learn(lesson)
    for lesson in (*gone, *kept):
        corrected.learn(lesson)
    for lesson in gone:
        corrected.learn(Lesson(lesson.judge, lesson.said, lesson.gold, -lesson.weight))
    for judge in ("a", "b"):
        assert corrected.record(judge) == straight.record(judge)


@given(st.lists(LESSONS, max_size=12))
def test_records_come_back_from_their_state(lessons: list[Lesson]) -> None:
    judges, loaded = Judges(), Judges()
    for lesson in lessons:
        judges.learn(lesson)
    loaded.load(judges.state())
    assert loaded.records() == judges.records()
    loaded.load({})
    assert loaded.records() == {}
