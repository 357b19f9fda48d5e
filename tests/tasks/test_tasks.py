from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.protocols import Form
from metallm.core.query import Query
from metallm.errors import InputError, UnknownLabelError
from metallm.tasks.classification import ClassificationTask
from metallm.tasks.multiple_choice import MultipleChoiceTask
from metallm.tasks.scoring import correct
from metallm.tasks.templates import templates


def prompt(task: Form, text: str) -> str:
    (message,) = task.messages(text)
    assert message["role"] == "user"
    content = message["content"]
    assert isinstance(content, str)
    return content


def test_the_sst2_prompt_is_the_paper_s() -> None:
    task = ClassificationTask(["positive", "negative"], template="sst2")
    assert prompt(task, "a fine film") == (
        "For the sentence: a fine film, is the sentiment in this sentence positive or negative?"
    )


def test_the_sst2_prompt_is_refused_for_labels_it_does_not_name() -> None:
    with pytest.raises(InputError, match="positive or negative"):
        ClassificationTask(["good", "bad"], template="sst2")


def test_the_general_prompt_names_every_label_and_what_it_means() -> None:
    task = ClassificationTask(["spam", "ham"], descriptions={"spam": "unasked advertising"})
    asked = prompt(task, "Buy now")
    assert "- spam: unasked advertising\n- ham\n" in asked
    assert "Text:\nBuy now\n" in asked


@given(text=st.text(), template=st.sampled_from(sorted(templates)))
def test_a_text_goes_into_the_prompt_as_it_is(text: str, template: str) -> None:
    task = ClassificationTask(["positive", "negative"], template=template)
    assert text in prompt(task, text)
    assert prompt(task, "{labels} {text} {0}").count("{labels} {text} {0}") == 1


def test_a_prompt_of_one_s_own_keeps_its_other_braces() -> None:
    task = ClassificationTask(["a b", "c"], template='{"text": {text}}\n{labels}')
    assert prompt(task, "x") == '{"text": x}\n- a b\n- c'


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([], "2 labels or more, not 0"),
        (["one"], "2 labels or more, not 1"),
        (["a", ""], "not empty"),
        (["a", " \n"], "not empty"),
        (["a", 1], "must be a text"),
        (["Yes", "yes"], "'Yes' and 'yes' cannot be told apart"),
        (["not  it", "Not it"], "cannot be told apart"),
        (["straße", "STRASSE"], "cannot be told apart"),
        (["same", "same"], "cannot be told apart"),
        ("ab", "must be a list"),
    ],
)
def test_labels_that_cannot_be_asked_for_are_refused(labels: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ClassificationTask(labels)


def test_an_unknown_template_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'sst3': name one of general, sst2"):
        ClassificationTask(["a", "b"], template="sst3")


def test_a_description_of_no_label_is_refused() -> None:
    descriptions: Mapping[str, str] = {"c": "what?"}
    with pytest.raises(UnknownLabelError, match="'c' is not one of the labels: a, b"):
        ClassificationTask(["a", "b"], descriptions=descriptions)


def test_a_classification_reads_its_own_labels_as_they_were_given() -> None:
    task = ClassificationTask(["Card Arrival", "Card Linking"], name="banking")
    assert task.read("card arrival.") == "Card Arrival"
    assert task.read("neither") is None
    assert (task.name, task.labels) == ("banking", ("Card Arrival", "Card Linking"))


def test_the_multiple_choice_prompt_is_the_paper_s() -> None:
    task = MultipleChoiceTask()
    text = task.question("2 + 2?", ["3", "4", "5", "6"])
    assert prompt(task, text) == (
        "Answer the following multiple-choice question with only the answer letter "
        "(A, B, C, or D):\n"
        "Question: 2 + 2?\nOptions:\nA. 3\nB. 4\nC. 5\nD. 6\nAnswer:"
    )


def test_two_options_are_asked_for_without_a_comma() -> None:
    assert "(A or B):" in prompt(MultipleChoiceTask(2), "x")


@pytest.mark.parametrize(
    ("options", "labels"),
    [(10, "ABCDEFGHIJ"), (26, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), ("TF", "TF"), (["B", "D"], "BD")],
)
def test_options_are_lettered_from_a_or_as_given(options: Any, labels: str) -> None:
    task = MultipleChoiceTask(options)
    assert task.labels == tuple(labels)
    assert [task.read(f"({letter})") for letter in labels] == list(labels)


@pytest.mark.parametrize("options", [0, 1, 27, "A", "AA", ["A", "b"], ["A", "BC"], ["A", ""]])
def test_options_that_cannot_be_lettered_are_refused(options: int | Sequence[str]) -> None:
    with pytest.raises(InputError):
        MultipleChoiceTask(options)


def test_more_options_than_letters_are_refused() -> None:
    with pytest.raises(InputError, match="make it with options=3"):
        MultipleChoiceTask(2).question("?", ["x", "y", "z"])


def test_a_query_is_made_of_a_task_s_messages() -> None:
    task = ClassificationTask(["positive", "negative"])
    query = Query.of(task.messages("a fine film"), task=task.name, text="a fine film")
    assert query.text == "a fine film"


@pytest.mark.parametrize(
    ("read", "truth", "quality"),
    [("a", "a", 1.0), ("a", "A", 1.0), ("a", "b", 0.0), (None, "a", 0.0), (None, "None", 0.0)],
)
def test_what_is_unreadable_or_another_label_is_wrong(
    read: str | None, truth: str, quality: float
) -> None:
    assert correct(read, truth) == quality
