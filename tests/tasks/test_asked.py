from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from metallm.core.task import Task
from metallm.errors import ConfigurationError, InputError
from metallm.tasks.asked import Asked

MAIL = Task("mail", "single", {"Billing": "money", "Login": "no way in"}, none_of_these="other")
STARS = Task("stars", "ordinal", ["1", "2", "3"])
ASKED = Asked({"mail": MAIL, "stars": STARS})


@pytest.mark.parametrize(
    ("labels", "name", "task"),
    [
        (None, "mail", MAIL),
        (MAIL, None, MAIL),
        (MAIL, "mail", MAIL),
        (["Billing", "Login", "other"], "mail", MAIL),
        (["other", "Login", "Billing"], "mail", MAIL),
        (STARS, None, STARS),
    ],
)
def test_a_declared_task_is_asked_in_its_own_words(
    labels: Sequence[str] | Task | None, name: str | None, task: Task
) -> None:
    form, learned_by = ASKED.form(labels, name)
    assert (form.task, learned_by) == (task, task.name)


def test_labels_alone_are_one_form_however_often_they_come() -> None:
    form, name = ASKED.form(["yes", "no"], "answers")
    assert (form.labels, name) == (("yes", "no"), "answers")
    assert ASKED.form(("yes", "no"), None) == (form, None)
    told, _ = ASKED.form(["yes", "no"], None, {"yes": "it is so"})
    assert "it is so" in told.messages("x")[0]["content"]
    assert ASKED.form(["yes", "no"], None, {"yes": "it is so"})[0] is told


@pytest.mark.parametrize(
    ("labels", "name", "told"),
    [
        (None, "post", "no task 'post' is declared: .*declared tasks: mail, stars"),
        (None, None, "labels or a task must be given; declared tasks: mail, stars"),
        (["Billing", "Login"], "mail", "declared with the labels Billing, Login, other"),
        (["billing", "login", "other"], "mail", "declared with the labels"),
        (["Billing", "Login", "other", "other"], "mail", "declared with the labels"),
        ("Billing", "mail", "declared with the labels"),
        (["Billing", 7, "other"], "mail", "declared with the labels"),
        (Task("mail", "single", ["a", "b"]), None, "declared with the labels"),
        (STARS, "mail", "the task is called 'stars', not 'mail'"),
        ("yes", None, "labels must be a list"),
        (["yes", ["no"]], None, "a label must be a text"),
        (["yes"], None, "2 labels or more"),
        (["yes", "YES"], None, "cannot be told apart"),
    ],
)
def test_what_cannot_be_asked_is_refused(labels: Any, name: str | None, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ASKED.form(labels, name)


def test_nothing_is_declared_says_so() -> None:
    with pytest.raises(InputError, match="declared tasks: none"):
        Asked({}).form(None, "mail")


def test_many_declared_tasks_are_cut_in_messages() -> None:
    many = {f"task {n}": Task(f"task {n}", "single", ["a", "b"]) for n in range(30)}
    with pytest.raises(InputError, match="task 19 and 10 more"):
        Asked(many).form(None, "post")


def test_a_template_that_does_not_exist_is_found_at_the_start() -> None:
    task = Task("mail", "single", ["a", "b"], template="genral")
    with pytest.raises(ConfigurationError, match="task 'mail': no template is called 'genral'"):
        Asked({"mail": task})
