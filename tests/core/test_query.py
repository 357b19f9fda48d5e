from __future__ import annotations

from typing import Any

import pytest

from metallm.core.query import Query
from metallm.errors import InputError


def test_the_last_user_turn_is_what_is_routed_on() -> None:
    query = Query.of(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "answer"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "second"}, {"type": "image_url"}],
            },
        ]
    )
    assert query.text == "second"
    assert query.input_tokens == round(len("Be brief.firstanswersecond") / 4)


def test_a_text_becomes_one_user_message() -> None:
    query = Query.of("hello", task="greeting")
    assert query.messages == ({"role": "user", "content": "hello"},)
    assert query.task == "greeting"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ([], "no messages"),
        ([{"content": "x"}], r"messages\[0\] must be an object with a role"),
        (["x"], r"messages\[0\]"),
        ([{"role": "system", "content": "x"}], "no message has the role 'user'"),
        (7, "a text or a list of messages, not int"),
    ],
)
def test_a_query_that_cannot_be_routed_is_refused(source: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Query.of(source)


def test_a_turn_of_pictures_alone_is_routed_by_the_turn_before() -> None:
    shown = {"role": "user", "content": [{"type": "image_url"}]}
    asked = [{"role": "user", "content": "what is on it?"}, {"role": "tool", "content": "x"}]
    assert Query.of([*asked, shown]).text == "what is on it?"
    with pytest.raises(InputError, match="empty"):
        Query.of([shown])
