from __future__ import annotations

import numpy as np

from metallm.learners.labels import LabelNames
from metallm.learners.recall import REST, UNKNOWN


def test_the_same_word_is_another_label_in_another_task() -> None:
    names = LabelNames()
    assert names.number("emotion", "A") != names.number("stance", "A")
    assert names.number("emotion", "A") == 0
    assert names.number("emotion", None) == UNKNOWN


def test_a_label_without_a_task_is_that_of_the_only_task_that_has_it() -> None:
    names = LabelNames()
    yes = names.number("overruling", "Yes")
    assert names.number("", "Yes") == yes
    # settled: a correction finds the number that was learned, also after another task has the word
    spam = names.number("spam", "Yes")
    assert names.number("", "Yes") == yes != spam
    again = LabelNames()
    again.load(names.state())
    assert again.number("", "Yes") == yes


def test_a_label_that_several_tasks_have_is_of_none_of_them() -> None:
    names = LabelNames()
    known = {names.number("overruling", "Yes"), names.number("spam", "Yes")}
    assert names.number("", "Yes") not in known


def test_numbers_of_many_are_those_of_each() -> None:
    names = LabelNames()
    found = names.numbers(("a", "a", "b"), ("x", None, "x"))
    assert found is not None
    assert found.tolist() == [0, UNKNOWN, 1]
    assert names.numbers((), ()) is None
    untold = names.numbers((), ("y",))
    assert untold is not None
    assert untold.tolist() == [names.number("", "y")]


def test_a_query_s_label_is_among_those_asked_about_and_of_its_task() -> None:
    names = LabelNames()
    for task, label in (("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")):
        names.number(task, label)
    classes = np.array([0, 1, 2, 3, REST])
    assert names.allowed(classes, "", ()).tolist() == [True] * 5
    assert names.allowed(classes, "", ("x", "y")).tolist() == [True, True, True, False, False]
    assert names.allowed(classes, "b", ("x", "y")).tolist() == [False, False, True, False, False]
    assert names.allowed(classes, "b", ()).tolist() == [False, False, True, True, False]
    # a task that never came up: any class with such a label
    assert names.allowed(classes, "c", ("x",)).tolist() == [True, False, True, False, False]
    assert not names.allowed(classes, "a", ("q",)).any()


def test_a_saved_state_goes_on_with_the_same_numbers() -> None:
    names, again = LabelNames(), LabelNames()
    names.number("a", "x")
    names.number("", "")
    again.load(names.state())
    assert again.number("", "") == 1
    assert again.number("a", "new") == 2
