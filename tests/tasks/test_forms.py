from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.query import Query
from metallm.core.task import Task
from metallm.errors import InputError
from metallm.tasks.formats import MOST_LABELS
from metallm.tasks.forms import form_of


def asked(task: Task, text: str) -> str:
    content = form_of(task).messages(text)[-1]["content"]
    assert isinstance(content, str)
    return content


def test_each_kind_asks_in_its_own_words() -> None:
    single = asked(Task("t", labels={"spam": "ads", "ham": ""}), "Buy")
    assert "Which of the following labels fits" in single
    assert "- spam: ads\n- ham\n\nText:\nBuy\n" in single
    assert "with | between them" in asked(Task("t", "multi", ["a", "b"]), "x")
    assert "scale, from one end to the other?\n- low\n- high\n" in asked(
        Task("t", "ordinal", ["low", "high"]), "x"
    )


def test_the_paper_s_wording_is_used_where_the_paper_asked_just_that() -> None:
    sentiment = ["positive", "negative"]
    assert asked(Task("sst2", labels=sentiment), "fine") == (
        "For the sentence: fine, is the sentiment in this sentence positive or negative?"
    )
    assert asked(Task("quiz", "choice"), "2 + 2?") == (
        "Answer the following multiple-choice question with only the answer letter "
        "(A, B, C, or D):\n2 + 2?\nAnswer:"
    )
    # a test for a disease is positive or negative too
    assert "sentiment" not in asked(Task("swabs", labels=sentiment), "fine")


def test_instructions_stand_before_any_prompt() -> None:
    for template in (None, "general", "Is it so? {text}"):
        task = Task("t", labels=["a", "b"], instructions=" You are a clerk. ", template=template)
        assert asked(task, "x").startswith("You are a clerk.\n\n")


def test_none_of_these_says_what_it_is_for_unless_the_task_says_more() -> None:
    plain = Task("t", labels=["a", "b"], none_of_these="other")
    assert "\n- other: none of the others fits\n" in asked(plain, "x")
    told = Task("t", labels={"a": "", "other": "misfits"}, none_of_these="other")
    assert "\n- other: misfits\n" in asked(told, "x")


def test_examples_are_earlier_turns_in_the_same_words() -> None:
    task = Task("t", "multi", ["a", "b"], examples=[("one", ["b", "a"]), ("two", "b")])
    messages = form_of(task).messages("three")
    assert [each["role"] for each in messages] == ["user", "assistant"] * 2 + ["user"]
    assert [each["content"] for each in messages[1::2]] == ["a | b", "b"]
    assert [each["content"] for each in messages[::2]] == [
        asked(task, text) for text in ("one", "two", "three")
    ]
    assert form_of(task).messages("four")[:-1] == messages[:-1]


@pytest.mark.parametrize(
    ("template", "told"), [("sst3", "no template is called 'sst3'"), ("sst2", "give those labels")]
)
def test_a_template_that_does_not_fit_is_refused(template: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        form_of(Task("t", labels=["a", "b"], template=template))


def test_a_form_is_made_once_for_equal_tasks() -> None:
    assert form_of(Task("t", labels=["a", "b"])) is form_of(Task("t", labels=["a", "b"]))
    described = Task("t", labels={"a": "x", "b": "y"})
    assert form_of(described) is not form_of(Task("t", labels=["a", "b"]))


def test_an_empty_text_is_refused_when_it_becomes_a_query() -> None:
    form = form_of(Task("t", labels=["a", "b"]))
    for text in ("", " \n"):
        with pytest.raises(InputError, match="the query is empty"):
            Query.of(form.messages(text), task=form.name, text=text)


def test_a_text_of_a_megabyte_is_asked_about_whole() -> None:
    text = "{labels} é 积 " * 100_000
    form = form_of(Task("t", labels=["a", "b"]))
    assert text in asked(form.task, text)
    assert Query.of(form.messages(text), text=text).text == text


tasks = st.sampled_from(
    [
        Task("t", labels=["spam", "not spam", "spam from us"], none_of_these="other"),
        Task("t", "multi", ["spam", "not spam", "spam from us"], none_of_these="other"),
        Task("t", "multi", ["积极", "消极", "C, C++"]),
        Task("t", "ordinal", ["1", "2", "3", "10"]),
        Task("t", "choice"),
    ]
)
pieces = st.sampled_from(
    [*'{}[]:".,?\n-()|', "spam", "not", "or", "and", "other", "none", "of these", "积极", "A", "10",
     "labels", "are", "I cannot", "classify", "as an AI", "<think>", "</think>", "C, C++"]
)  # fmt: skip


@given(task=tasks, answer=st.text() | st.lists(pieces).map(" ".join))
def test_what_is_read_is_of_the_task_or_nothing(task: Task, answer: str) -> None:
    read = form_of(task).read(answer)
    assert read is None or task.canonical(read) == read


@given(task=tasks, data=st.data(), decoration=st.sampled_from(["{}", " {}\n", "**{}**", "{}."]))
def test_each_label_is_read_as_itself_however_they_contain_each_other(
    task: Task, data: st.DataObject, decoration: str
) -> None:
    label = data.draw(st.sampled_from(task.labels))
    assert form_of(task).read(decoration.format(label)) == label


@given(task=tasks, data=st.data())
def test_an_answer_in_the_shape_that_was_asked_for_is_read(task: Task, data: st.DataObject) -> None:
    format_ = form_of(task).answer_format
    assert format_ is not None
    schema = format_["json_schema"]["schema"]
    (key,) = schema["required"]
    label = data.draw(st.sampled_from(task.labels))
    if task.kind == "multi":
        assert schema["properties"][key]["items"]["enum"] == list(task.labels)
        answer: Any = [label]
    else:
        assert schema["properties"][key]["enum"] == list(task.labels)
        answer = label
    assert form_of(task).read(json.dumps({key: answer})) == label


def test_more_labels_than_a_schema_takes_are_asked_for_in_words_alone() -> None:
    labels = [f"label {number}" for number in range(1000)]
    form = form_of(Task("t", labels=labels))
    assert form.answer_format is None
    assert asked(form.task, "x").count("\n- label ") == 1000
    assert [form.read(f"Label: {label}.") for label in labels[::99]] == labels[::99]
    assert form_of(Task("t", labels=labels[:MOST_LABELS])).answer_format is not None
