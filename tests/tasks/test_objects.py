from __future__ import annotations

import pytest

from metallm.tasks.objects import listed_in_object, stated_in_object


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        ('{"label": "a"}', "a"),
        ('{"LABEL": ["a"]}', "a"),
        ('{"label": ["a", "b"], "answer": "c"}', "c"),
        ('{"label": null, "answer": 3}', "3"),
        ('{"answer": true}', "true"),
        ('{"label": ["a", "b"]}', None),
        ('["a"]', None),
        ("{a}", None),
        ("a", None),
    ],
)
def test_one_label_is_found_under_the_first_key_that_holds_one(
    answer: str, stated: str | None
) -> None:
    assert stated_in_object(answer) == stated


@pytest.mark.parametrize(
    ("answer", "listed"),
    [
        ('["a", 1]', ["a", "1"]),
        ("Sure: []", []),
        ('{"labels": ["a", null]}', ["a", ""]),
        ('{"label": "b", "labels": ["a"]}', ["a"]),
        ('{"labels": null, "label": "a, b"}', "a, b"),
        ('{"seen": ["a"]}', None),
        ("[a, b]", None),
        ('"a"', None),
    ],
)
def test_several_labels_are_found_in_a_list_or_a_text(
    answer: str, listed: list[str] | str | None
) -> None:
    assert listed_in_object(answer) == listed
