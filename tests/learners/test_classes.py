"""Distributions over labels from a student and from answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.classes import Answers, Case
from metallm.embeddings.grams import grams
from metallm.learners import classes
from metallm.learners.classes import LEAST_ROWS, ClassLearner
from students import DIM as MADE_DIM
from students import made

LABELS = ("cat", "dog")
DIM = 4


def _case(number: int, *, task: str = "pets", quality: float = 0.7, text: str = "") -> Case:
    words = text or f"{'purr meow' if number % 2 == 0 else 'woof bark'} {number}"
    context = np.zeros(DIM, dtype=np.float32)
    context[number % 2] = 1.0
    return Case(str(number), task, LABELS, grams(words), context, {"a": quality, "b": quality})


def _learned(count: int, answers: Answers = ()) -> ClassLearner:
    learner = ClassLearner(DIM)
    for number in range(count):
        learner.learn(_case(number), answers, LABELS[number % 2])
    return learner


def test_nothing_is_known_of_a_task_before_its_first_label() -> None:
    learner = ClassLearner(DIM)
    assert learner.posterior(_case(0), ()) == pytest.approx([0.5, 0.5])
    assert not learner.ready("pets", LABELS)


def test_an_arms_answer_counts_by_its_quality_before_any_label() -> None:
    learner = ClassLearner(DIM)
    likely = learner.posterior(_case(0, quality=0.9), [("a", "dog")])
    doubtful = learner.posterior(_case(0, quality=0.6), [("a", "dog")])
    assert likely[1] > doubtful[1] > 0.5
    both = learner.posterior(_case(0, quality=0.6), [("a", "dog"), ("b", "dog")])
    assert both[1] > doubtful[1]
    opposed = learner.posterior(_case(0, quality=0.6), [("a", "dog"), ("b", "cat")])
    assert opposed == pytest.approx([0.5, 0.5])


def test_a_student_learns_what_texts_say() -> None:
    learner = _learned(2 * LEAST_ROWS)
    assert learner.ready("pets", LABELS)
    assert learner.posterior(_case(100), ())[0] > 0.9
    assert learner.posterior(_case(101), ())[1] > 0.9


def test_an_arm_that_is_always_wrong_on_a_label_tells_the_other() -> None:
    learner = ClassLearner(DIM)
    for number in range(60):
        truth = LABELS[number % 2]
        wrong = LABELS[1 - number % 2]
        learner.learn(_case(number, text="the same words"), [("a", wrong)], truth)
    blank = Case(
        "x", "pets", LABELS, grams("the same words"), np.zeros(DIM, np.float32), {"a": 0.05}
    )
    assert learner.posterior(blank, [("a", "cat")])[1] > 0.7


def test_asking_is_worth_at_least_the_arms_own_quality_and_no_more_than_certainty() -> None:
    learner = _learned(40, [("a", "cat")])
    quality = np.array([0.55, 0.95])
    worth = learner.worth(_case(7), (), ["a", "b"], quality)
    assert (worth >= quality).all()
    assert (worth <= 1.0).all()
    sure = learner.posterior(_case(7), ()).max()
    assert worth.min() >= min(sure, 1.0) - 0.05


def test_another_task_learns_nothing() -> None:
    learner = _learned(60)
    other = _case(0, task="other")
    assert learner.posterior(other, ()) == pytest.approx([0.5, 0.5])
    assert not learner.ready("other", LABELS)


def test_a_text_without_words_has_no_student() -> None:
    learner = ClassLearner(DIM)
    bare = Case(
        "0", "letters", LABELS, np.zeros(0, np.uint16), np.zeros(DIM, np.float32), {"a": 0.8}
    )
    for _ in range(LEAST_ROWS + 5):
        learner.learn(bare, [("a", "cat")], "cat")
    assert not learner.ready("letters", LABELS)
    assert learner.posterior(bare, [("a", "cat")])[0] > 0.5


def _quiz(number: int, **quality: float) -> Case:
    """A question whose options stand in it: its words tell nothing of a letter."""
    return Case(
        str(number), "quiz", tuple("ABCD"), np.zeros(0, np.uint16), np.zeros(DIM, np.float32),
        quality or {"a": 0.7, "b": 0.7},
    )  # fmt: skip


def test_a_letter_is_as_likely_as_its_arm_is_good_before_any_label() -> None:
    learner = ClassLearner(DIM)
    chances = learner.posterior(_quiz(0, a=0.7), [("a", "C")])
    assert chances == pytest.approx([0.1, 0.1, 0.7, 0.1])


def test_what_letters_teach_of_opinions_sways_no_other_task() -> None:
    learner, other = ClassLearner(DIM), ClassLearner(DIM)
    for number in range(60):
        learner.learn(_quiz(number), [("a", "B")], "A")
    case, answers = _case(0), [("a", "dog")]
    assert np.array_equal(learner.posterior(case, answers), other.posterior(case, answers))


def test_asking_for_a_letter_is_worth_more_with_calls_to_come_less_what_they_cost() -> None:
    learner, case = ClassLearner(DIM), _quiz(0)
    arms, quality = ["a", "b", "c"], np.array([0.6, 0.6, 0.7])
    alone = learner.worth(case, (), arms, quality)
    free = learner.worth(case, (), arms, quality, calls=3)
    dear = learner.worth(case, (), arms, quality, charges=np.full(3, 0.5), calls=3)
    assert alone == pytest.approx(quality, abs=1e-5)
    assert (free > 0.7 + 0.004).all()
    assert dear == pytest.approx(alone, abs=1e-5)


def test_what_letters_teach_is_saved_and_older_snapshots_have_none() -> None:
    learner, answers = ClassLearner(DIM), [("a", "B"), ("b", "A")]
    for number in range(30):
        learner.learn(_quiz(number), answers, "A")
    again = ClassLearner(DIM)
    again.load(learner.state())
    assert np.array_equal(
        again.posterior(_quiz(99), answers), learner.posterior(_quiz(99), answers)
    )
    older = {name: each for name, each in learner.state().items() if "letters." not in name}
    told = learner.posterior(_quiz(99), answers)
    fresh, restarted = ClassLearner(DIM), ClassLearner(DIM)
    restarted.load(older)
    assert restarted.posterior(_quiz(99), answers) == pytest.approx(
        fresh.posterior(_quiz(99), answers)
    )
    # of two that differ one was always right: what answers say counts for more by now
    assert told.max() > fresh.posterior(_quiz(99), answers).max()


def test_the_task_that_learned_longest_ago_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classes, "MOST_TASKS", 2)
    learner = ClassLearner(DIM)
    for name in ("one", "two", "one", "three"):
        learner.learn(_case(0, task=name), (), "cat")
    assert [learner.rows(name, LABELS) for name in ("one", "two", "three")] == [2, 0, 1]


def test_more_labels_than_confusions_are_counted_for_still_work() -> None:
    labels = tuple(f"label {number:04d}" for number in range(1000))
    learner = ClassLearner(DIM)
    case = Case("0", "big", labels, grams("a text"), np.zeros(DIM, np.float32), {"a": 0.8})
    learner.learn(case, [("a", labels[3])], labels[3])
    chances = learner.posterior(case, [("a", labels[3])])
    assert chances.sum() == pytest.approx(1.0)
    assert chances.argmax() == 3
    assert learner.worth(case, (), ["a"], np.array([0.8])) == pytest.approx([0.8])


@given(st.integers(0, 30), st.lists(st.sampled_from(["cat", "dog", None]), max_size=3))
def test_every_posterior_is_a_distribution_and_a_saved_learner_goes_on_the_same(
    rows: int, answers: list[str | None]
) -> None:
    told: Answers = tuple(("a" if n % 2 else "b", label) for n, label in enumerate(answers))
    learner = _learned(rows, told)
    chances = learner.posterior(_case(3), told)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances > 0.0).all()
    again = ClassLearner(DIM)
    again.load(learner.state())
    for each in (learner, again):
        each.learn(_case(rows), told, "cat")
    assert np.array_equal(learner.posterior(_case(3), told), again.posterior(_case(3), told))


def test_who_can_name_a_task_neither_sways_a_declared_one_nor_drives_it_out() -> None:
    """Not even what opinions are worth, which tasks otherwise take from each other."""

    def learner(names: frozenset[str]) -> ClassLearner:
        return ClassLearner(MADE_DIM, declared=names)

    declared = frozenset({"mine"})
    alone, beset = learner(declared), learner(declared)
    rows = made(60, 2)
    for number, row in enumerate(rows):
        case = Case(f"mine{number}", "mine", ("a", "b"), row.words, row.context)
        label = "ab"[row.label]
        for each in (alone, beset):
            each.learn(case, (("arm", label),), label)
        for other in range(3):
            name = f"other{3 * number + other}"
            stranger = Case(f"{name}-{number}", name, ("a", "b"), row.words, row.context)
            # lies: the other label, from an arm that is always wrong
            beset.learn(stranger, (("arm", label),), "ba"[row.label])
    assert beset.rows("mine", ("a", "b")) == 60
    mine = {name: value for name, value in alone.state().items() if name.startswith("task0")}
    place = [str(each[0]) for name, each in beset.state().items() if name.endswith("_name")]
    number = place.index("mine")
    theirs = beset.state()
    for name, value in mine.items():
        assert np.array_equal(value, theirs[name.replace("task0", f"task{number}")]), name


THREE = ("a", "b", "c")
QUALITIES = st.lists(
    st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3), min_size=3, max_size=3
).map(np.array)


def _three(number: int) -> Case:
    context = np.zeros(DIM, dtype=np.float32)
    quality = {"x": 0.8, "y": 0.6}
    return Case(str(number), "letters", THREE, grams(f"text {number}"), context, quality)


def _of_three(seed: int) -> ClassLearner:
    rng, learner = np.random.default_rng(seed), ClassLearner(DIM)
    for number in range(40):
        truth = THREE[rng.integers(3)]
        said = truth if rng.random() < 0.7 else THREE[rng.integers(3)]
        learner.learn(_three(number), [("x", said)], truth)
    return learner


@given(QUALITIES, st.integers(0, 3), st.booleans())
def test_asking_is_worth_what_the_best_answer_to_each_reply_gains(
    gains: np.ndarray, seed: int, further: bool
) -> None:
    learner, case = _of_three(seed), _three(99)
    answers: Answers = [("x", "b")] if further else []
    worth = learner.worth(case, answers, ["y"], np.array([0.0]), gains=gains)
    case_of_y = Case(case.id, case.task, THREE, case.words, case.context, {"x": 0.8, "y": 0.0})
    table = learner._task(case).confusion.chances(["y"], np.array([0.0]))[0]
    before, expected = learner.posterior(case, answers), 0.0
    for place, reply in enumerate((*THREE, None)):
        after = learner.posterior(case_of_y, [*answers, ("y", reply)])
        expected += float(before @ table[:, place]) * max(gains @ after)
    assert worth == pytest.approx([expected])


@given(st.integers(0, 3), st.floats(0.1, 0.9))
def test_where_all_errors_cost_the_same_a_gain_is_the_chance_of_being_right(
    seed: int, quality: float
) -> None:
    learner, case = _of_three(seed), _three(99)
    plain, told = (
        learner.worth(case, [("x", "b")], ["y"], np.array([quality]), gains=gains)
        for gains in (None, np.eye(3))
    )
    assert told == pytest.approx(plain)


def test_letters_whose_errors_cost_unlike_are_worth_what_they_gain() -> None:
    learner = ClassLearner(DIM)
    case = Case("q", "quiz", THREE, grams("")[:0], np.zeros(DIM, np.float32), {"x": 0.8})
    arms, quality = ["y", "z"], np.array([0.7, 0.9])
    plain, same, mild = (
        learner.worth(case, [("x", "b")], arms, quality, gains=gains)
        for gains in (None, np.eye(3), 0.5 + 0.5 * np.eye(3))
    )
    assert same == pytest.approx(plain)
    assert mild == pytest.approx(0.5 + 0.5 * plain, abs=1e-5)
