from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.task import Task
from metallm.errors import InputError, UnknownLabelError
from metallm.router.scoring import Scoring, canonical, expected, quality_matrix, quality_of

STARS = Task("stars", "ordinal", ["1", "2", "3", "4", "5"])
NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Tasks of one label a text, with and without costs and a label for none of these."""
    labels = NAMES[: draw(st.integers(3, 5))]
    pairs = [(truth, said) for truth in labels for said in labels if truth != said]
    costs = draw(st.dictionaries(st.sampled_from(pairs), st.floats(0.0, 9.0), max_size=4))
    none = draw(st.sampled_from([None, "b", "none"]))
    kind = draw(st.sampled_from(["single", "ordinal"]))
    return Task("t", kind, labels, none_of_these=none, error_costs=costs)  # type: ignore[arg-type]


@given(tasks(), st.randoms())
def test_the_matrix_of_a_task_says_what_the_task_says(task: Task, random: Random) -> None:
    labels = list(task.labels)
    random.shuffle(labels)
    matrix = quality_matrix(task, tuple(labels))
    told = [[task.quality(said, truth) for truth in labels] for said in labels]
    np.testing.assert_allclose(matrix, told)


def test_a_label_is_chosen_by_what_errors_cost() -> None:
    task = Task("t", "single", ["safe", "risky"], error_costs={"risky": {"safe": 9.0}})
    scoring = Scoring({"t": task})
    likely = {"safe": 0.7, "risky": 0.3}
    assert scoring.best("t", likely) == "risky"
    assert scoring.best("other", likely) == "safe"
    assert scoring.best(None, likely) == "safe"
    assert Scoring({"stars": STARS}).best(
        "stars", {"1": 0.34, "2": 0.0, "3": 0.2, "4": 0.16, "5": 0.3}
    ) == "3"  # fmt: skip


@given(st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5))
def test_without_costs_a_label_is_as_good_as_it_is_likely(raw: list[float]) -> None:
    chances = np.array(raw) / sum(raw)
    plain = Task("stars", "single", STARS.labels)
    assert expected(None, STARS.labels, chances) is chances
    assert expected(plain, STARS.labels, chances) is chances
    assert (expected(STARS, STARS.labels, chances) >= chances - 1e-12).all()


def test_a_task_counts_for_decisions_with_its_labels_alone() -> None:
    scoring = Scoring({"stars": STARS})
    assert scoring.task_of("stars", ("5", "4", "3", "2", "1")) is STARS
    assert scoring.task_of("stars", ("1", "2")) is None
    assert scoring.task_of("films", STARS.labels) is None
    assert scoring.task_of(None, STARS.labels) is None


def test_a_task_that_was_used_is_known_and_no_other_of_its_name() -> None:
    scoring = Scoring({})
    scoring.know(STARS)
    same = Task("stars", "ordinal", STARS.labels, examples=[("fine", "4")])
    scoring.know(same)
    assert scoring.task_of("stars", STARS.labels) is STARS
    assert scoring.declared == {}
    with pytest.raises(InputError, match="another task is called 'stars'"):
        scoring.know(Task("stars", "ordinal", STARS.labels[::-1], none_of_these="5"))
    with pytest.raises(InputError, match="another task is called 'stars'"):
        scoring.know(Task("stars", "single", STARS.labels))


def test_labels_are_spelled_as_the_task_spells_them_or_must_be_as_they_were_asked() -> None:
    topics = Task("topics", "multi", ["Sport", "Law", "Art"])
    assert canonical(topics, topics.labels, ["law", "sport"]) == "Sport | Law"
    assert canonical(topics, topics.labels, "LAW|sport") == "Sport | Law"
    assert canonical(None, ("yes", "no"), "no") == "no"
    with pytest.raises(UnknownLabelError):
        canonical(None, ("yes", "no"), "No")
    with pytest.raises(InputError, match="several labels are true only of a task of kind 'multi'"):
        canonical(None, ("yes", "no"), ["yes", "no"])


def test_answers_without_a_task_are_right_or_wrong() -> None:
    assert quality_of(None, "yes", "yes") == 1.0
    assert quality_of(None, None, "yes") == 0.0
    assert quality_of(STARS, "4", "5") == 0.75
    assert quality_of(STARS, None, "5") == 0.0


def test_a_label_that_is_none_is_told_beside_the_first_of_many() -> None:
    labels = tuple(f"label {n}" for n in range(1000))
    with pytest.raises(UnknownLabelError) as raised:
        canonical(None, labels, "x" * 10_000)
    told = str(raised.value)
    assert "label 19 and 980 more" in told
    assert len(told) < 600
