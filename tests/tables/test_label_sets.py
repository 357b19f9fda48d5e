"""Which references of a table are labels of its texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.tables.label_sets import MOST_LABELS, label_sets
from metallm.tables.recordings import Recordings


def _recordings(references: Sequence[str | None], **columns: Sequence[Any]) -> Recordings:
    """One row per reference; columns are given for all rows."""
    count = len(references)
    return Recordings.read(
        pa.table(
            {
                "query": [f"text {row}" for row in range(count)],
                "model": ["m"] * count,
                "score": [1.0] * count,
                "reference": pa.array(references, pa.string()),
                "dataset": ["d"] * count,
                **columns,
            }
        )
    )


def test_labels_that_many_texts_share_are_the_data_sets() -> None:
    assert label_sets(_recordings(["yes", "no"] * 6)) == {"d": ("no", "yes")}


def test_a_rare_label_is_one_too_beside_common_ones() -> None:
    found = label_sets(_recordings(["yes", "no"] * 30 + ["maybe"]))
    assert found == {"d": ("maybe", "no", "yes")}


@pytest.mark.parametrize(
    "references",
    [
        ["yes"] * 12,
        ["yes", "no"] * 3,
        ["yes", "no", "Yes"] * 6,
        ["yes", " "] * 6,
        ["42", "7"] * 5 + [str(number) for number in range(100, 130)],
        ["a" * 61, "b"] * 6,
        ["def f():\n    pass", "def g():\n    pass"] * 6,
        [f"label {number}" for number in range(MOST_LABELS + 1)] * 4,
        [None] * 12,
    ],
    ids=[
        *("one alone", "too few rows", "the same but for case", "empty", "answers of a text's own"),
        *("long ones", "of several lines", "too many", "none"),
    ],
)
def test_references_that_are_no_labels_make_no_set(references: list[str | None]) -> None:
    assert label_sets(_recordings(references)) == {}


def test_each_data_set_has_its_own() -> None:
    found = label_sets(
        _recordings(["yes", "no", "up", "down"] * 4, dataset=["a", "a", "b", "b"] * 4)
    )
    assert found == {"a": ("no", "yes"), "b": ("down", "up")}


@pytest.mark.parametrize("mark", ["A) {} B) {}", "(A) {}\n(B) {}", "A. {}\nB. {}", "A: {}\nB: {}"])
def test_letters_of_options_are_no_labels_where_each_query_has_other_options(mark: str) -> None:
    letters = ["A", "B"] * 10
    other = [f"Which? {mark.format(f'this {row}', f'that {row}')}" for row in range(20)]
    same = [f"text {row}\nWhich? {mark.format('up', 'down')}" for row in range(20)]
    assert label_sets(_recordings(letters, query=other)) == {}
    assert label_sets(_recordings(letters, query=same)) == {"d": ("A", "B")}
    assert label_sets(_recordings(letters)) == {"d": ("A", "B")}


@given(st.lists(st.none() | st.sampled_from(["a", "b", "A", "", "c" * 70]), min_size=1))
def test_a_set_holds_every_reference_of_its_data_set(references: list[str | None]) -> None:
    for labels in label_sets(_recordings(references)).values():
        assert set(labels) == {each for each in references if each is not None}
        assert list(labels) == sorted(labels)
