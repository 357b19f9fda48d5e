from __future__ import annotations

from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.tasks.letters import LetterReader

FOUR = LetterReader("ABCD")
TEN = LetterReader("ABCDEFGHIJ")


@pytest.mark.parametrize("letter", "ABCDI")
@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        " {}\n",
        "{}.",
        "{})",
        "({})",
        "[{}]",
        "**{}**",
        "**{}.**",
        '"{}"',
        "{}:",
        "{}) because it is known",
        "{}. Paris",
        "({}) Paris",
        "**{}. Paris**",
        "{} because nothing else fits",
        "{}, since it rhymes",
        "{} - Paris",
        "{}\n\nParis is a city.",
        "Answer: {}",
        "**Answer: {}**",
        "Answer: ({}) Paris",
        "The answer is {}.",
        "The correct answer is ({}).",
        "The answer is **{}**",
        "The answer is option {}.",
        "The best option is {}, as far as I see.",
        "Let us think.\nIt is old.\nSo the answer is {}",
        "It is old.\n{}",
        "\\boxed{{{}}}",
        "Thus $\\boxed{{\\text{{{}}}}}$.",
        '{{"answer": "{}"}}',
        "I choose {}.",
        "I would go with ({}) here.",
        "Option {} is correct.",
        "It must be ({}), all in all.",
        "Question: X?\nA. one\nB. two\nC. three\n\nAnswer: {}",
    ],
)
def test_a_letter_is_read_out_of_what_it_is_wrapped_in(answer: str, letter: str) -> None:
    assert TEN.read(answer.format(letter)) == letter


@pytest.mark.parametrize(
    "answer",
    ["{}", "{}.", "({})", "**{}**", "Answer: {}", "the answer is ({}).", "\\boxed{{{}}}"],
)
@pytest.mark.parametrize("letter", "abcdi")
def test_a_small_letter_counts_where_nothing_else_can_be_meant(answer: str, letter: str) -> None:
    assert TEN.read(answer.format(letter)) == letter.upper()


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "K",
        "1",
        "A man walked in.",
        "A good question!",
        "I think it is hard.",
        "I do not know",
        "I",
        "a matter of taste",
        "The answer is a matter of taste.",
        "The answer is I do not know",
        "What a day! I am tired.",
        "Vitamin C deficiency",
        "Plan B failed",
        "A-level students",
        "U.S.A. law",
        "A/B",
        "A or B",
        "The answer is A or B.",
        "The answer is A and C",
        "A, B and D",
        "A\nB",
        "A. one\nB. two\nC. three\nD. four",
        "(A) one (B) two",
        "The answer is A. No, the answer is B.",
        "The answer is not B.",
        "not B",
        "It is not option B.",
        "Option B is not correct.",
        "(B) is wrong.",
        "Is it (B)?",
        '{"answer": "none"}',
    ],
)
def test_running_text_several_letters_and_denials_are_unreadable(answer: str) -> None:
    expected = None
    assert FOUR.read(answer) == expected


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("I think the answer is B.", "B"),
        ("A careful reader picks option C", "C"),
        ("B, because A is wrong", "B"),
        ("C, not B", "C"),
        ("It's not A, so the answer is B.", "B"),
        ("A is tempting, but the answer is D", "D"),
        ("Vitamin C matters. The answer is (B).", "B"),
        ("Ｂ", "B"),
    ],
)
def test_the_stated_letter_wins_over_the_rest(answer: str, letter: str) -> None:
    assert LetterReader("BCD" if answer.startswith("A is") else "ABCD").read(answer) == letter


@pytest.mark.parametrize("noise", [" \n", "*", "(", "not ", "( \n", "{"])
def test_no_length_of_noise_upsets_the_reader(noise: str) -> None:
    # where the time taken grew with the square of the length, this would take a minute each
    assert FOUR.read(noise * 50_000 + "\nAnswer: B.") in {"B", None}


@given(
    answer=st.text()
    | st.lists(
        st.sampled_from(
            ["A", "B", "I", "a", "(", ")", ".", "answer", "is", ":", "not", "\n", "because", "{"]
        )
    ).map(" ".join)
)
def test_what_is_read_is_a_letter_of_the_task_or_nothing(answer: str) -> None:
    assert FOUR.read(answer) in {*"ABCD", None}


@given(
    count=st.integers(2, 26),
    data=st.data(),
    decoration=st.sampled_from(["{}", "{}.", "({})", "**{}**", " {}\n", "'{}'", "Answer: {}"]),
)
def test_a_letter_in_any_decoration_is_read_as_itself(
    count: int, data: st.DataObject, decoration: str
) -> None:
    letters = ascii_uppercase[:count]
    letter = data.draw(st.sampled_from(letters))
    written = data.draw(st.sampled_from([letter, letter.lower()]))
    assert LetterReader(letters).read(decoration.format(written)) == letter
