from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arrays import Context
from metallm.evaluation.examples import LOOKED_AT, spread_examples


def _by_length(texts: Sequence[str]) -> Context:
    return np.array([[float(len(text)), 1.0] for text in texts], dtype=np.float32)


@given(labels=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40), count=st.integers(1, 50))
def test_labels_take_turns_for_as_long_as_they_have_rows(labels: list[str], count: int) -> None:
    texts = [f"{place:03d}" + "x" * (place % 7) for place in range(len(labels))]
    found = spread_examples(texts, labels, count, _by_length)
    assert len(found) == len(set(found)) == min(count, len(labels))
    there, shown = Counter(labels), Counter(labels[place] for place in found)
    most = max(shown.values())
    for label in there:
        assert shown[label] >= min(there[label], most - 1)
    first_turn = [labels[place] for place in found[: len(there)]]
    assert len(set(first_turn)) == len(first_turn)


def test_fewer_examples_than_labels_show_the_most_frequent_ones() -> None:
    labels = ["rare"] + ["often"] * 5 + ["usual"] * 3
    found = spread_examples([str(n) for n in range(9)], labels, 2, _by_length)
    assert [labels[place] for place in found] == ["often", "usual"]


def test_an_example_stands_in_the_midst_of_its_labels_texts_and_is_not_long() -> None:
    texts = ["x" * size for size in (10, 11, 12, 40, 41, 42, 43, 900)]
    found = spread_examples(texts, ["a"] * 8, 2, _by_length)
    assert sorted(len(texts[place]) // 30 for place in found) == [0, 1]


def test_of_very_many_rows_some_are_looked_at_and_the_same_ones_each_time() -> None:
    looked: list[int] = []

    def embed(texts: Sequence[str]) -> Context:
        looked.append(len(texts))
        return _by_length(texts)

    texts = [f"{n:05d}" for n in range(3000)]
    one, other = (spread_examples(texts, ["a"] * 3000, 3, embed, seed=1) for _ in "ab")
    assert one == other
    assert looked == [LOOKED_AT] * 2
