from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.embeddings.form import LENGTH, FormEmbedder

FORM = FormEmbedder()


@given(st.lists(st.text(max_size=300), max_size=5))
def test_each_context_has_the_length_or_is_0_and_is_the_same_alone(texts: list[str]) -> None:
    found = FORM.embed(texts)
    assert found.shape == (len(texts), FORM.dim)
    assert found.dtype == np.float32
    for row, text in enumerate(texts):
        norm = float(np.linalg.norm(found[row]))
        assert norm == pytest.approx(LENGTH, abs=1e-6) or norm == 0.0
        assert FORM.embed([text])[0].tolist() == found[row].tolist()


def test_texts_that_begin_and_end_alike_are_close_whatever_is_between() -> None:
    one, two, other = FORM.embed(
        [
            "Context: the cat sat on the mat.\nQuestion: Is it true?",
            "Context: prices rose by nine percent.\nQuestion: Is it true?",
            "Write a function that sorts a list of numbers",
        ]
    )
    assert one @ two == pytest.approx(LENGTH**2, abs=1e-6)
    assert abs(float(one @ other)) < 0.5 * LENGTH**2


def test_case_and_blanks_around_do_not_count_and_what_lies_between_is_not_read() -> None:
    long = "Is " + "x " * 100_000 + "so?"
    assert FORM.embed([long])[0].tolist() == FORM.embed(["  is x x x so?\n"])[0].tolist()


def test_a_blank_text_and_a_lone_surrogate_are_no_error() -> None:
    assert not FORM.embed([" \n\t "]).any()
    assert FORM.embed(["\ud800 yes"]).any()
