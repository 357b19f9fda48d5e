from __future__ import annotations

import pytest

from metallm.core.task import Task
from metallm.tasks.forms import form_of

SENTIMENT = form_of(Task("t", labels=["positive", "negative"]))
OPEN = form_of(Task("t", labels=["positive", "negative"], none_of_these="other"))


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot classify this as positive.",
        "I can't help with labelling this text positive",
        "I’m not able to judge this; positive words are not enough to go by.",
        "I'm sorry, but I'm unable to label this text as positive",
        "I am not going to assign the label positive",
        "I must decline to rate positive texts",
        "I don't know, maybe positive",
        "As an AI language model, I cannot say whether it is positive.",
        "As an AI, I do not have opinions on what is positive.",
        "Unable to determine a positive tone",
    ],
)
def test_a_refusal_is_no_answer_whatever_it_mentions(answer: str) -> None:
    assert SENTIMENT.read(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "As an AI, I do not have opinions, but the sentiment is positive.",
        "I cannot say more than this.\n\nAnswer: positive",
        "As an AI language model, I would call this positive",
        "The customer cannot complain, so it is positive",
    ],
)
def test_an_answer_that_states_a_label_after_all_is_read(answer: str) -> None:
    assert SENTIMENT.read(answer) == "positive"


def test_a_label_may_sound_like_a_refusal() -> None:
    form = form_of(Task("bank", labels=["I cannot log in", "I don't know my PIN", "other"]))
    assert form.read("The text says: I cannot log in") == "I cannot log in"
    assert form.read("I don't know my PIN.") == "I don't know my PIN"


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Es positivo.", None),
        ("La respuesta es «positivo».", None),
        ("これは肯定的です", None),
        ("La respuesta: positive", "positive"),
        ("答案：positive", "positive"),
        ("Ответ: «negative».", "negative"),
    ],
)
def test_an_answer_in_another_language_counts_where_it_names_a_label(
    answer: str, label: str | None
) -> None:
    assert SENTIMENT.read(answer) == label


def test_labels_in_other_scripts_are_read_alone_or_announced_not_out_of_running_text() -> None:
    form = form_of(Task("t", labels=["积极", "消极"]))
    assert form.read("答案：积极。") == "积极"
    assert form.read("**消极**") == "消极"
    assert form.read("这句话不积极") is None  # "not positive": no denial is known in this language
    arabic = form_of(Task("t", labels=["إيجابي", "سلبي"]))
    assert arabic.read("الجواب: إيجابي") == "إيجابي"


@pytest.mark.parametrize(
    "answer",
    [
        "None of these.",
        "none of the above",
        "None of the labels fits the text.",
        "**Neither**",
        "Answer: none of them",
        "No label applies.",
        "other",
    ],
)
def test_an_answer_that_no_label_fits_is_none_of_these_where_there_is_such_a_label(
    answer: str,
) -> None:
    assert OPEN.read(answer) == "other"
    assert SENTIMENT.read(answer) is None


def test_thoughts_before_an_answer_are_passed_over() -> None:
    assert SENTIMENT.read("<think>negative? or positive?</think>\npositive") == "positive"
    assert SENTIMENT.read("Answer: negative. So:</think>positive") == "positive"
    assert SENTIMENT.read("<think>The answer is positive, but") is None


@pytest.mark.parametrize("noise", ["I cannot ", "as an AI ", "none of ", "I can", "<think>", "["])
def test_no_length_of_an_answer_upsets_the_reader(noise: str) -> None:
    # where the time taken grew with the square of the length, this would take minutes
    assert OPEN.read(noise * (1_000_000 // len(noise))) is None
