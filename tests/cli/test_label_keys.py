from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.cli.label_keys import MOST_SHOWN, Command, Keys, excerpt, harmless

MANY = [f"topic {name}" for name in "abcdefghij"]


@pytest.mark.parametrize(
    ("labels", "typed", "meant"),
    [
        (["cat", "dog"], "2", "dog"),
        (["cat", "dog"], " 1\n", "cat"),
        (["cat", "dog"], "3", None),
        (["cat", "dog"], "0", None),
        (["cat", "dog"], "D", "dog"),
        (["cat", "cow"], "c", None),
        (["cat", "cow"], "co", "cow"),
        (["art", "artist"], "art", "art"),
        (["cat", "dog"], "", None),
        (["cat", "dog"], "s", Command.SKIP),
        (["sad", "big"], "b", Command.BACK),
        (["sad", "big"], "bi", "big"),
        (["cat", "dog"], "Q", Command.QUIT),
        (["0", "1"], "1", "1"),
        (["0", "1"], "2", None),
        (["1", "2", "10"], "10", "10"),
        (["1", "2", "10"], "1", "1"),
        (MANY, "10", "topic j"),
        (MANY, "topic c", "topic c"),
        (["cat", "dog"], "²", None),
        (["cat", "dog"], "9" * 5000, None),
    ],
)
def test_what_is_typed_means_one_label_or_command_or_nothing(
    labels: list[str], typed: str, meant: str | Command | None
) -> None:
    assert Keys(labels).meant(typed) == meant


def test_up_to_nine_labels_take_one_key_and_numbers_stand_for_themselves() -> None:
    assert Keys(MANY[:9]).single
    assert not Keys(MANY).single
    assert Keys(["0", "1"]).single
    assert not Keys(["1", "10"]).single
    assert Keys(["cat", "dog"]).shown().startswith("1 cat   2 dog")
    assert Keys(["0", "1"]).shown().startswith("0   1")


def test_escape_sequences_and_marks_of_direction_are_spelled_out() -> None:
    assert harmless("a\x1b[2Jb\r\x07") == "a\\x1b[2Jb\\r\\x07"
    assert harmless("a\u202eb\x9b31m") == "a\\u202eb\\x9b31m"
    assert harmless("naïve\u00a0日本\nnext\tline") == "naïve 日本\nnext\tline"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_that_is_shown_controls_a_terminal(text: str) -> None:
    shown = harmless(text).replace("\n", "").replace("\t", "")
    assert {unicodedata.category(sign)[0] for sign in shown} <= {"L", "M", "N", "P", "S", "Z"}
    shown.encode("utf-8")


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    told = excerpt("x" * (MOST_SHOWN + 7))
    assert told.endswith("x … (7 more characters)")
    assert excerpt("one\ntwo") == "  one\n  two"
