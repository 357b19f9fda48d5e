from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.task import Task
from metallm.errors import InputError
from metallm.evaluation.classification import classification_report, cost_matrix
from metallm.evaluation.intervals import wilson_interval

ABC = Task("t", labels=["a", "b", "c"])
TRUTH = ["a", "a", "a", "b", "b", "c"]
SAID = ["a", "a", "b", "b", None, "A "]


def test_counts_are_those_that_one_gets_by_hand() -> None:
    report = classification_report(ABC, TRUTH, SAID)
    assert (report.n, report.unread) == (6, 1)
    assert report.accuracy == wilson_interval(3, 6)
    assert report.confusion is not None
    assert report.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0]]
    a, b, c = report.by_label
    assert (a.label, a.support, a.precision, a.recall, a.f1) == ("a", 3, 2 / 3, 2 / 3, 2 / 3)
    assert (b.support, b.precision, b.recall, b.f1) == (2, 1 / 2, 1 / 2, 1 / 2)
    assert (c.support, c.recall, c.f1) == (1, 0.0, 0.0)
    assert math.isnan(c.precision)  # nobody said it
    assert report.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert report.quality == 0.5
    assert report.calibration is None


def test_labels_that_are_neither_true_nor_said_do_not_count() -> None:
    report = classification_report(ABC, ["a", "b"], ["a", "b"])
    assert report.macro_f1 == 1.0
    assert math.isnan(report.by_label[2].f1)
    assert report.by_label[2].support == 0


def test_errors_cost_what_the_task_says() -> None:
    task = Task("t", labels=["a", "b"], error_costs={("a", "b"): 4.0})
    assert cost_matrix(task).tolist() == [[0.0, 4.0, 4.0], [1.0, 0.0, 4.0]]
    report = classification_report(task, ["a", "a", "b", "b"], ["a", "b", "a", None])
    assert report.error_cost == (0 + 4 + 1 + 4) / 4
    assert report.quality == 1.0 - report.error_cost / 4.0


def test_an_ordinal_s_errors_cost_their_distance() -> None:
    stars = Task("stars", "ordinal", ["1", "2", "3"])
    assert cost_matrix(stars).tolist() == [[0, 0.5, 1, 1], [0.5, 0, 0.5, 1], [1, 0.5, 0, 1]]
    assert classification_report(stars, ["1", "1"], ["2", "1"]).error_cost == 0.25


def test_several_labels_are_counted_one_by_one() -> None:
    task = Task("t", "multi", ["a", "b", "c"])
    report = classification_report(task, ["a | b", "b", "c"], ["b|A", "b | c", None])
    assert report.accuracy.mean == pytest.approx(1 / 3)
    assert [each.support for each in report.by_label] == [1, 2, 1]
    assert [each.f1 for each in report.by_label] == [1.0, 1.0, 0.0]
    assert report.quality == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert report.confusion is None


def test_confidence_is_held_against_what_was_right() -> None:
    report = classification_report(ABC, ["a"] * 4, ["a", "a", "b", None], [0.95, 0.85, 0.85, 0.0])
    told = report.calibration
    assert told is not None
    assert told.brier == pytest.approx((0.05**2 + 0.15**2 + 0.85**2 + 0.0) / 4)
    assert told.expected_error == pytest.approx((0.05 + 2 * 0.35 + 0.0) / 4)
    filled = {round(each.low, 1): each for each in told.bins if each.n}
    assert [(low, each.n, each.accuracy) for low, each in filled.items()] == [
        (0.0, 1, 0.0),
        (0.8, 2, 0.5),
        (0.9, 1, 1.0),
    ]
    assert len(told.bins) == 10
    assert math.isnan(told.bins[5].accuracy)


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    told = classification_report(ABC, ["a"], ["a"], [1.0]).calibration
    assert told is not None
    assert (told.bins[-1].n, told.bins[-1].high, told.expected_error, told.brier) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("truth", "said", "confidence", "told"),
    [
        ([], [], None, "0 answers"),
        (["a"], ["a", "b"], None, "2 answers cannot be held against 1 true"),
        (["a", "d"], ["a", "b"], None, r"truth\[1\]: 'd' is not one of the labels: a, b, c"),
        (["a"], ["d"], None, r"said\[0\]: 'd'"),
        (["a"], ["a"], [1.1], r"confidence\[0\] must be from 0 to 1"),
        (["a"], ["a"], [float("nan")], r"confidence\[0\]"),
        (["a", "b"], ["a", "b"], [0.5], "each answer needs a confidence"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_place(
    truth: list[str], said: list[str], confidence: list[float] | None, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        classification_report(ABC, truth, said, confidence)


labels = st.sampled_from("abc")
rows = st.lists(st.tuples(labels, labels | st.none(), st.floats(0, 1)), min_size=1, max_size=40)


@given(truth=st.lists(labels, min_size=1))
def test_what_is_all_right_is_perfect(truth: list[str]) -> None:
    report = classification_report(ABC, truth, truth, [1.0] * len(truth))
    assert (report.macro_f1, report.accuracy.mean, report.quality) == (1.0, 1.0, 1.0)
    assert report.error_cost == 0.0
    assert report.calibration is not None
    assert report.calibration.expected_error == report.calibration.brier == 0.0


@given(rows=rows)
def test_every_answer_is_counted_once(rows: list[tuple[str, str | None, float]]) -> None:
    truth, said, confidence = map(list, zip(*rows, strict=True))
    report = classification_report(ABC, truth, said, confidence)
    assert report.confusion is not None
    assert report.confusion.sum() == report.n == len(rows)
    assert np.trace(report.confusion) == round(report.accuracy.mean * report.n)
    assert report.confusion[:, -1].sum() == report.unread
    assert report.confusion.sum(axis=1).tolist() == [each.support for each in report.by_label]
    assert report.error_cost == pytest.approx(
        float((report.confusion * cost_matrix(ABC)).sum()) / report.n
    )
    assert report.calibration is not None
    assert sum(each.n for each in report.calibration.bins) == report.n
    assert 0.0 <= report.calibration.expected_error <= 1.0
    assert 0.0 <= report.macro_f1 <= 1.0


@given(rows=rows, order=st.permutations("abc"), data=st.data())
def test_neither_the_order_of_labels_nor_that_of_rows_makes_a_difference(
    rows: list[tuple[str, str | None, float]], order: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    one = classification_report(ABC, [row[0] for row in rows], [row[1] for row in rows])
    other = classification_report(
        Task("t", labels=order), [row[0] for row in shuffled], [row[1] for row in shuffled]
    )
    assert one.macro_f1 == pytest.approx(other.macro_f1)
    assert one.error_cost == pytest.approx(other.error_cost)
    assert (one.accuracy, one.unread) == (other.accuracy, other.unread)
    assert {each.label: repr(each) for each in one.by_label} == {
        each.label: repr(each) for each in other.by_label
    }


@given(rows=rows)
def test_a_multi_task_of_single_labels_is_scored_as_a_single_one(
    rows: list[tuple[str, str | None, float]],
) -> None:
    truth, said = [row[0] for row in rows], [row[1] for row in rows]
    single = classification_report(ABC, truth, said)
    several = classification_report(Task("t", "multi", ABC.labels), truth, said)
    assert (single.accuracy, single.macro_f1, single.quality) == (
        several.accuracy,
        several.macro_f1,
        several.quality,
    )


def test_the_gap_of_many_calibrated_answers_is_small() -> None:
    rng = np.random.default_rng(0)
    sure = rng.random(20_000)
    said = np.where(rng.random(20_000) < sure, "a", "b").tolist()
    told = classification_report(ABC, ["a"] * 20_000, said, sure).calibration
    assert told is not None
    assert told.expected_error < 0.02
    assert told.brier == pytest.approx(1 / 6, abs=0.01)  # E[p (1 − p)]
