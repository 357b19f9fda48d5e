"""Grades: what a judge is asked, and what its replies say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.tasks.grading import LONGEST, MOST, USUAL_RUBRIC, grading_prompt, read_grade


@pytest.mark.parametrize(
    ("reply", "quality"),
    [
        ("7", 0.7),
        (" 7.5\n", 0.75),
        ("7,5", 0.75),
        ("10/10", 1.0),
        ("**8**", 0.8),
        ('"9"', 0.9),
        ("(3).", 0.3),
        ("Score: 0", 0.0),
        ('{"score": 6}', 0.6),
        ("The answer is right but long. Grade: 8/10", 0.8),
        ("Rating = 4. As said, the rating: 4.", 0.4),
        ("11", None),
        ("-1", None),
        ("Score: 5, or perhaps score: 7", None),
        ("I would say it is good.", None),
        ("It names 3 of 4 capitals.", None),
        ("", None),
    ],
)
def test_a_reply_is_read(reply: str, quality: float | None) -> None:
    assert read_grade(reply) == (None if quality is None else pytest.approx(quality))


@given(st.integers(0, MOST))
def test_every_grade_that_can_be_given_is_read(grade: int) -> None:
    assert read_grade(f"{grade}") == grade / MOST


@given(st.text(max_size=200))
def test_no_reply_breaks_the_reader(reply: str) -> None:
    quality = read_grade(reply)
    assert quality is None or 0.0 <= quality <= 1.0


def test_a_judge_sees_question_answer_and_rubric() -> None:
    messages = [{"role": "user", "content": "What is the capital of Peru?"}]
    asked = grading_prompt(messages, "Lima.")
    assert "<question>\nWhat is the capital of Peru?\n</question>" in asked
    assert "<answer>\nLima.\n</answer>" in asked
    assert USUAL_RUBRIC in asked
    assert "Cites a source." in grading_prompt(messages, "Lima.", "Cites a source.")


def test_a_conversation_is_told_with_who_said_what() -> None:
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello {answer}"}]},
    ]
    asked = grading_prompt(messages, "Hi {rubric}")
    assert "system: Be brief.\n\nuser: Hello {answer}" in asked
    assert "Hi {rubric}" in asked


def test_a_book_is_cut() -> None:
    asked = grading_prompt([{"role": "user", "content": "q" * 10**6}], "a" * 10**6)
    assert len(asked) < 2 * LONGEST + 1_000
