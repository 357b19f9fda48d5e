from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.query import Message
from metallm.sandbox.lookup import Lookup
from metallm.tables.recordings import Recordings

TEXTS = [
    "Is the sky blue?",
    "Is the sky blue? Answer in the light of what was said before.",
    "Which of the following is a prime number, if any of them is?",
    "tiny",
]


def lookup(texts: list[str], queries: list[str] | None = None) -> Lookup:
    table = pa.table(
        {
            "query": queries or texts,
            "question": texts,
            "model": ["m"] * len(texts),
            "score": [1] * len(texts),
        }
    )
    return Lookup(Recordings.read(table))


def user(*contents: str) -> list[Message]:
    return [{"role": "user", "content": content} for content in contents]


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        (user(TEXTS[0]), 0),
        (user(TEXTS[1]), 1),
        (user(f"Please: {TEXTS[0]} Thanks."), 0),
        (user(f"Please: {TEXTS[1]} Thanks."), 1),
        (user(f"{TEXTS[2]} And: {TEXTS[0]}"), 2),
        (user("so tiny"), 3),
        (user(TEXTS[0], TEXTS[2]), 2),
        (user(TEXTS[0], "And why?"), 0),
        ([{"role": "system", "content": TEXTS[2]}, *user("Go on")], 2),
        ([*user(TEXTS[0]), {"role": "assistant", "content": TEXTS[2]}], 0),
        ([{"role": "user", "content": [{"type": "text", "text": TEXTS[2]}]}], 2),
        (user("Is the sky"), None),
        (user(""), None),
    ],
)
def test_the_recorded_query_is_found_in_the_messages(
    messages: list[Message], place: int | None
) -> None:
    assert lookup(TEXTS).find(messages) == place


def test_the_full_query_is_found_as_well_as_the_bare_question() -> None:
    found = lookup(["one", "two"], ["Say: one", "Say: two"])
    assert found.find(user("Say: two")) == found.find(user("two")) == 1


def test_of_queries_with_the_same_text_the_first_is_found() -> None:
    assert lookup(["same", "same"], ["a: same", "b: same"]).find(user("same")) == 0


WORDS = st.lists(st.sampled_from(["ab", "abc ", "b", " cab", "é\n"]), min_size=1, max_size=14)


@given(st.lists(WORDS, min_size=1, max_size=8), WORDS, WORDS, st.integers(0))
def test_what_is_found_is_the_longest_text_that_a_plain_search_finds(
    recorded: list[list[str]], before: list[str], after: list[str], chosen: int
) -> None:
    texts = list(dict.fromkeys("".join(words) for words in recorded))
    message = "".join(before) + texts[chosen % len(texts)] + "".join(after)
    place = lookup(texts).find(user(message))
    assert place is not None
    within = [text for text in texts if text in message and text.strip()]
    assert len(texts[place]) == (len(message) if message in texts else max(map(len, within)))


def test_looking_up_stays_quick_among_thousands_of_recordings() -> None:
    shared = "Which of the following statements is right? "
    found = lookup([f"{shared}{i} " + "x" * 300 for i in range(6_000)])
    message = "Read with care. " * 100 + f"{shared}5999 " + "x" * 300 + " Only the letter."
    start = time.process_time()
    for _ in range(20):
        assert found.find(user(message)) == 5999
    assert (time.process_time() - start) / 20 < 0.02  # 1 ms here; comparing with all takes longer
