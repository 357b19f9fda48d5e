from __future__ import annotations

import pytest

from metallm.cli.question import question_of
from metallm.core.task import Task
from metallm.errors import ConfigurationError, InputError
from metallm.tasks.classification import ClassificationTask

TASKS = {
    "tickets": Task("tickets", "single", {"a": "first", "b": "second"}, instructions="Sort them."),
    "topics": Task("topics", "multi", ["x", "y", "z"]),
}


def test_labels_alone_are_asked_about_in_the_words_of_a_classification() -> None:
    found = question_of(" a, b ,c", None, {})
    assert (found.task.labels, found.name, found.plain) == (("a", "b", "c"), None, True)
    assert found.form().messages("t") == ClassificationTask(("a", "b", "c")).messages("t")
    named = question_of("positive,negative", "sst2", {})
    assert named.name == "sst2"
    plain = ClassificationTask(("positive", "negative")).messages("t")
    assert named.form().messages("t") == plain


def test_a_declared_task_brings_its_labels_and_its_prompt() -> None:
    found = question_of(None, "tickets", TASKS)
    assert (found.task, found.name, found.plain) == (TASKS["tickets"], "tickets", False)
    assert "Sort them." in str(found.form().messages("t"))
    assert question_of("b,a", "tickets", TASKS) == found
    assert question_of(None, "topics", TASKS).several


def test_examples_come_after_those_of_the_task() -> None:
    own = Task("t", "single", ["a", "b"], examples=[("one", "a")])
    found = question_of(None, "t", {"t": own}).with_examples([("two", "B")])
    assert found.task.examples == (("one", "a"), ("two", "b"))
    assert not question_of("a,b", None, {}).with_examples([("two", "b")]).plain


@pytest.mark.parametrize(
    ("labels", "name", "told"),
    [
        (None, None, "give --labels A,B,..., or --task with a declared task"),
        (None, None, "declared are: tickets"),
        (None, "other", "no task 'other' is declared"),
        ("a,c", "tickets", "is declared with the labels a, b"),
    ],
)
def test_what_is_not_known_is_told_with_what_there_is(
    labels: str | None, name: str | None, told: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        question_of(labels, name, TASKS)
    assert told in str(caught.value)


def test_labels_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(InputError, match="2 labels or more"):
        question_of("a", None, {})
