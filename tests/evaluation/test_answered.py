from __future__ import annotations

import pytest

from metallm.core.classes import EVIDENCE, STUDENT
from metallm.core.task import Task
from metallm.evaluation.answered import RowAnswer, run_report
from metallm.evaluation.suspects import suspects

TASK = Task("tickets", "single", ["a", "b", "c"])


def _row(row: int, label: str | None = "a", truth: str | None = "a", **more: object) -> RowAnswer:
    known = {"arm": "sim/x", "cost_usd": 0.01, "confidence": 0.9, "at": float(row), **more}
    return RowAnswer(row, f"text {row}", label, truth, **known)  # type: ignore[arg-type]


def test_rows_are_summed_up_by_who_answered_by_label_and_in_all() -> None:
    rows = [
        _row(1),
        _row(2, "b", arm=STUDENT, cost_usd=0.0, confidence=0.5),
        _row(3, None, cost_usd=None, confidence=None),
        _row(4, "c", "c", arm=EVIDENCE, cost_usd=0.03),
        _row(5, "a", None),
    ]
    report = run_report(TASK, rows)
    assert (report.whole.rows, report.whole.judged, report.whole.unpriced) == (5, 4, 1)
    assert report.whole.accuracy is not None
    assert report.whole.accuracy.mean == 0.5
    assert report.whole.cost_usd == pytest.approx(0.05)
    assert [(each.name, each.rows) for each in report.by_arm] == [
        ("sim/x", 3), (EVIDENCE, 1), (STUDENT, 1),
    ]  # fmt: skip
    assert [each.name for each in report.own] == [EVIDENCE, STUDENT]
    assert [(each.name, each.rows) for each in report.by_label] == [
        ("a", 2), ("b", 1), ("c", 1), ("", 1),
    ]  # fmt: skip
    assert report.costs == pytest.approx((0.01, 0.01, 0.01, 0.04, 0.05))
    assert report.scores is not None
    assert report.scores.n == 4
    assert report.calibration is not None
    assert sum(each.n for each in report.calibration.bins) == 3


def test_a_run_is_cut_into_parts_in_the_order_in_which_rows_were_answered() -> None:
    rows = [_row(n, at=float(-n), arm=STUDENT if n <= 50 else "sim/x") for n in range(1, 101)]
    report = run_report(TASK, rows)
    assert len(report.spans) == 10
    assert sum(span.rows for span, _ in report.spans) == 100
    assert [arms for _, arms in report.spans] == [{"sim/x": 10}] * 5 + [{STUDENT: 10}] * 5
    assert report.spans[0][0].name == "1 to 10"
    assert len(run_report(TASK, rows[:3]).spans) == 1


def test_of_several_calls_it_tells_what_each_arm_said_itself() -> None:
    rows = [
        _row(1, "a", "a", arm=EVIDENCE, said=(("x", "a"), ("y", "b"))),
        _row(2, "b", "a", arm=EVIDENCE, said=(("y", "b"),)),
        _row(3, "c", None, arm=EVIDENCE, said=(("y", "c"), ("x", None))),
        _row(4, "c", "c", arm=STUDENT),
    ]
    found = run_report(TASK, rows).asked
    assert [(each.arm, each.calls, each.agreed) for each in found] == [("y", 3, 2), ("x", 2, 1)]
    assert [each.accuracy and (each.accuracy.mean, each.accuracy.n) for each in found] == [
        (0.0, 2), (1.0, 1),
    ]  # fmt: skip
    assert run_report(TASK, [_row(1, said=(("x", "a"),))]).asked == ()


def test_without_truth_and_confidence_there_are_shares_and_costs_alone() -> None:
    report = run_report(TASK, [_row(1, truth=None, confidence=None), _row(2, "b", None)])
    assert (report.scores, report.calibration, report.whole.accuracy) == (None, None, None)
    assert report.whole.confidence == 0.9


def test_answers_of_several_labels_count_as_they_were_given() -> None:
    task = Task("topics", "multi", ["a", "b", "c"])
    report = run_report(task, [_row(1, "a | b", "a | b"), _row(2, "a", "a | c"), _row(3, "a | b")])
    assert [(each.name, each.rows) for each in report.by_label] == [
        ("a", 1), ("a | b", 2), ("", 0),
    ]  # fmt: skip
    assert report.scores is not None
    assert report.scores.accuracy.mean == pytest.approx(1 / 3)


def test_rows_to_look_at_come_the_most_telling_first() -> None:
    rows = [
        _row(1, "b", confidence=0.6),
        _row(2, "b", confidence=0.99),
        _row(3, confidence=0.4),
        _row(4, None, confidence=None),
        _row(5, confidence=0.7, said=(("x", "a"), ("y", "b"))),
        _row(6, confidence=0.5, said=(("x", "c"), ("y", "b"), ("z", None))),
        _row(7, confidence=0.8, said=(("x", "a"), ("y", None))),
        _row(8, "b", confidence=None, said=(("x", "b"), ("y", "b"))),
        _row(9, "b", confidence=None, said=(("x", "b"), ("y", "c"))),
    ]
    found = suspects(rows, most=3)
    assert [each.row for each in found.contested] == [2, 1, 8]
    assert [each.row for each in found.divided] == [6, 9, 5]
    assert [each.row for each in found.doubtful] == [3, 6, 1]
    assert [each.row for each in found.unread] == [4]
    assert found.counts == (4, 3, 6, 1)
