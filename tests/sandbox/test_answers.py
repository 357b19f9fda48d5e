from __future__ import annotations

import pyarrow as pa

from metallm.core.price import Usage
from metallm.core.query import Message
from metallm.sandbox.answers import NO_IDEA, Answers
from metallm.tables.recordings import Recordings

MESSAGES: list[Message] = [{"role": "user", "content": "x" * 40}]


def answers() -> Answers:
    rows = [
        # query, dataset, reference, model, response, score, input, output
        ("q0", "d", "A", "acme/one", "it is A", 1.0, 17, 3),
        ("q0", "d", "A", "acme/two", None, 0.0, None, None),
        ("q1", "d", "B", "acme/one", None, 0.5, 5, 2),
        ("q1", "d", "B", "acme/two", None, None, 5, 2),
        ("q2", "d", "C", "acme/one", None, 0.2, 5, 2),
        ("q3", "e", "only", "acme/one", None, 0.0, 5, 2),
        ("q4", "f", None, "acme/one", None, 1.0, 5, 2),
        ("q4", "f", None, "acme/two", "", 1.0, None, None),
    ]
    names = [
        "query",
        "dataset",
        "reference",
        "model",
        "response",
        "score",
        "input_tokens",
        "output_tokens",
    ]
    columns = zip(*rows, strict=True)
    return Answers(Recordings.read(pa.table(dict(zip(names, map(list, columns), strict=True)))))


def text(query: int, column: int) -> str | None:
    answer = answers().answer(query, column, MESSAGES)
    return None if answer is None else answer.text


def test_a_recorded_text_and_its_tokens_are_given_as_they_are() -> None:
    answer = answers().answer(0, 0, MESSAGES)
    assert answer is not None
    assert (answer.text, answer.usage) == ("it is A", Usage(17, 3))


def test_an_empty_text_is_an_answer_and_missing_tokens_are_estimated() -> None:
    answer = answers().answer(4, 1, MESSAGES)
    assert answer is not None
    assert (answer.text, answer.usage) == ("", Usage(10, 1))


def test_a_right_score_without_a_text_answers_the_reference() -> None:
    assert text(1, 0) == "B"


def test_a_wrong_score_without_a_text_answers_another_reference_of_the_dataset() -> None:
    assert text(0, 1) in {"B", "C"}
    assert text(2, 0) in {"A", "B"}
    assert text(2, 0) == text(2, 0)
    assert text(3, 0) == NO_IDEA


def test_what_the_recording_does_not_tell_is_not_made_up() -> None:
    assert text(1, 1) is None
    assert text(4, 0) is None
    assert text(3, 1) is None


def test_a_model_is_known_by_its_name_and_by_what_follows_the_provider() -> None:
    found = answers()
    assert [found.column(name) for name in ("acme/one", "one", "acme/two", "two")] == [0, 0, 1, 1]
    assert found.column("three") is None
