from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metallm.tasks.lengths import LEAST_LIMIT, answer_limit, usual_answer

LABELS = st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=6)


@given(LABELS)
def test_every_label_has_room_and_all_of_them_where_several_fit(labels: list[str]) -> None:
    sizes = [len(label.encode()) for label in labels]
    assert answer_limit(labels) >= max(LEAST_LIMIT, *sizes)
    assert answer_limit(labels, several=True) >= sum(sizes) + 2 * len(labels)


def test_an_answer_is_guessed_to_be_a_label_alone() -> None:
    assert usual_answer(["yes", "no"]) == 2
    assert usual_answer(["yes", "no"], structured=True) == 9
    assert usual_answer(["a label of forty characters, as it seems"] * 2) == 11
