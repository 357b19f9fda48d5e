"""Confusion counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.learners.confusion import MOST_LABELS, PRIOR_WEIGHT, Confusion


def test_an_arm_never_asked_is_taken_for_its_estimated_quality() -> None:
    table = Confusion(3).chances(["a"], np.array([0.7]))[0]
    assert np.diag(table[:, :3]) == pytest.approx([0.7, 0.7, 0.7])
    assert table[0] == pytest.approx([0.7, 0.1, 0.1, 0.1])


def test_counts_outweigh_the_prior_as_they_grow() -> None:
    confusion = Confusion(2)
    for _ in range(4):
        confusion.add("a", truth=0, answer=1, weight=1.0)
    table = confusion.chances(["a"], np.array([0.8]))[0]
    wrong = (4.0 + PRIOR_WEIGHT * 0.1) / (4.0 + PRIOR_WEIGHT)
    assert table[0, 1] == pytest.approx(wrong)
    # nothing was seen of the other label
    assert table[1, 1] == pytest.approx(0.8)


def test_an_answer_that_names_no_label_has_a_column_of_its_own() -> None:
    confusion = Confusion(2)
    confusion.add("a", truth=0, answer=2, weight=1.0)
    table = confusion.chances(["a"], np.array([0.8]))[0]
    assert table[0, 2] > table[1, 2]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=20),
    st.floats(0.0, 1.0),
)
def test_every_row_is_a_distribution_and_what_is_taken_back_was_never_there(
    seen: list[tuple[int, int]], quality: float
) -> None:
    confusion = Confusion(4)
    blank = confusion.chances(["a"], np.array([quality]))
    for sign in (1.0, -1.0):
        for truth, answer in seen:
            confusion.add("a", truth, answer, sign)
        table = confusion.chances(["a"], np.array([quality]))
        assert table.sum(axis=2) == pytest.approx(np.ones((1, 4)))
        assert (table > 0.0).all()
    assert table == pytest.approx(blank)


def test_with_very_many_labels_right_and_wrong_alone_are_counted() -> None:
    labels = MOST_LABELS + 1
    confusion = Confusion(labels)
    confusion.add("a", truth=3, answer=5, weight=1.0)
    confusion.add("a", truth=3, answer=3, weight=1.0)
    table = confusion.chances(["a"], np.array([0.5]))[0]
    assert table[3].sum() == pytest.approx(1.0)
    assert table[3, 5] == table[3, 7]
    assert table[3, 3] == pytest.approx((1.0 + PRIOR_WEIGHT * 0.5) / (2.0 + PRIOR_WEIGHT))


def test_likelihood_is_a_column_of_the_table() -> None:
    confusion = Confusion(3)
    confusion.add("a", 1, 2, 1.0)
    table = confusion.chances(["a"], np.array([0.6]))[0]
    assert np.array_equal(confusion.likelihood("a", 0.6, 2), table[:, 2])


def test_saved_counts_come_back() -> None:
    confusion = Confusion(3)
    confusion.add("a", 1, 2, 0.5)
    again = Confusion(3)
    again.load(confusion.state())
    quality = np.array([0.6, 0.2])
    assert np.array_equal(
        again.chances(["a", "b"], quality), confusion.chances(["a", "b"], quality)
    )
