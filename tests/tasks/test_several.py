from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.task import Task
from metallm.tasks.forms import form_of

TASK = Task("t", "multi", ["sports", "politics", "tech", "not tech"], none_of_these="none")
FORM = form_of(TASK)


@pytest.mark.parametrize(
    "answer",
    [
        "sports | tech",
        "tech|sports",
        "Sports, Tech",
        "sports and tech",
        "sports; tech.",
        "- sports\n- tech",
        "1. sports\n2. tech",
        "* **Sports**\n* **Tech**",
        "[sports, tech]",
        '["sports", "tech"]',
        '```json\n{"labels": ["sports", "tech"]}\n```',
        'Sure: {"Topics": ["tech", "sports", "sports"]}',
        '{"label": "sports, tech"}',
        '{"labels": ["sports", "weather", "tech"]}',
        "Labels: sports, tech",
        "The labels are **sports** and **tech**.",
        "The labels: sports, politics, tech, not tech, none.\n\nAnswer: sports, tech",
        "Labels: sports and tech. Politics is only mentioned.",
        "It is about sports and about tech, but not politics.",
    ],
)
def test_every_label_that_an_answer_names_is_read(answer: str) -> None:
    assert FORM.read(answer) == "sports | tech"


@pytest.mark.parametrize("answer", ["sports", "Sports.", '["sports"]', "Label: sports"])
def test_one_label_is_a_set_too(answer: str) -> None:
    assert FORM.read(answer) == "sports"


@pytest.mark.parametrize("answer", ["none", "None of these.", "[]", '{"labels": []}', "No label"])
def test_no_labels_are_none_of_these(answer: str) -> None:
    assert FORM.read(answer) == "none"
    closed = form_of(Task("t", "multi", ["sports", "tech"]))
    assert closed.read(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "weather",
        '["weather"]',
        '{"labels": [null, {}]}',
        '{"labels": 3}',
        "sports or politics",
        "neither sports nor politics",
        "It is not about sports.",
        "Is it sports?",
        "I cannot classify texts on sports",
        "none, sports",
        "Labels: sports, tech. On second thought, not sports",
    ],
)
def test_an_answer_that_leaves_the_labels_open_is_unreadable(answer: str) -> None:
    assert FORM.read(answer) is None


def test_labels_that_contain_each_other_are_each_read_once() -> None:
    assert FORM.read("not tech") == "not tech"
    assert FORM.read("tech | not tech") == "tech | not tech"
    commas = form_of(Task("t", "multi", ["C", "C, C++", "C++"]))
    assert commas.read("C, C++") == "C, C++"
    assert commas.read("C | C++") == "C | C++"
    assert commas.read('["C", "C++"]') == "C | C++"


written: st.SearchStrategy[Any] = st.sampled_from(
    [" | ".join, ", ".join, "\n".join, json.dumps, lambda chosen: json.dumps({"labels": chosen})]
)


@given(
    chosen=st.lists(st.sampled_from(["sports", "politics", "tech"]), min_size=1, unique=True),
    write=written,
)
def test_any_set_of_labels_in_any_order_is_read(chosen: list[str], write: Any) -> None:
    assert FORM.read(write(chosen)) == TASK.canonical(chosen)
