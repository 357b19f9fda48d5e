"""Which rows are remembered, and which are visited again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.learners.experts import Row
from metallm.learners.rehearsal import Rehearsal


def _row(label: int, number: int = 0, *, ids: int = 3) -> Row:
    context = np.full(2, number, np.float32)
    return Row(np.arange(ids).astype(np.uint16), context, label, 1.0, np.zeros((2, 3)))


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(1, 12), st.integers(0, 99))
def test_memory_is_bounded_and_rare_labels_stay(labels: list[int], most: int, seed: int) -> None:
    rehearsal = Rehearsal(3, seed, most_rows=most)
    for number, label in enumerate(labels):
        rehearsal.add(_row(label, number))
    assert len(rehearsal) == min(len(labels), most)
    kept = np.bincount([row.label for row in rehearsal.rows], minlength=3)
    came = np.bincount(labels, minlength=3)
    # what has fewer rows than the fullest label never lost one but to make it so
    fullest = kept.max(initial=0)
    assert (kept >= np.minimum(came, fullest - 1)).all()
    ages = [row.context[0] for row in rehearsal.rows]
    assert ages == sorted(ages)


def test_long_rows_are_fewer() -> None:
    rehearsal = Rehearsal(3, 0)
    for number in range(100):
        rehearsal.add(_row(0, number, ids=60_000))
    assert 60 < len(rehearsal) < 71


def test_visits_are_spread_over_all_rows() -> None:
    rehearsal = Rehearsal(3, 5)
    assert list(rehearsal.again(4)) == []
    for number in range(100):
        rehearsal.add(_row(0, number))
    visits = np.bincount([int(row.context[0]) for row in rehearsal.again(1000)], minlength=100)
    assert visits.min() >= 8
    assert visits.max() <= 12


@pytest.mark.parametrize("labels", [[], [0, 1, 2, 2, 1, 0, 0]])
def test_a_saved_rehearsal_goes_on_with_the_same_rows(labels: list[int]) -> None:
    mine, theirs = Rehearsal(3, 1, most_rows=5), Rehearsal(3, 1, most_rows=5)
    for number, label in enumerate(labels):
        mine.add(_row(label, number))
    assert len(list(mine.again(3))) == (3 if labels else 0)
    theirs.load(mine.state())
    seen = []
    for each in (mine, theirs):
        for number in range(9):
            each.add(_row(number % 2, 50 + number))
        seen.append([row.context[0] for row in (*each.again(20), *each.rows)])
    assert seen[0] == seen[1]


def test_the_newest_of_equal_rows_is_taken() -> None:
    rehearsal = Rehearsal(3, 0)
    rows = [_row(0, 1), _row(1, 1), _row(0, 1), _row(0, 2)]
    for row in rows:
        rehearsal.add(row)
    wanted = rows[0].ids, rows[0].context, 0, 1.0
    assert rehearsal.take(*wanted) is rows[2]
    assert rehearsal.take(*wanted) is rows[0]
    assert rehearsal.take(*wanted) is None
    assert rehearsal.take(rows[1].ids[:1], rows[1].context, 1, 1.0) is None
    assert rehearsal.take(rows[1].ids, rows[1].context, 1, 0.5) is None
    assert len(rehearsal) == 2
