"""What recorded responses are read as."""

from __future__ import annotations

import pyarrow as pa
import pytest

from metallm.assembly.recorded_answers import recorded_answers
from metallm.tables.recordings import Recordings

LABELS = ("maybe", "no", "yes")


def _answer(
    said: str | None, score: float | None, labels: tuple[str, ...] = LABELS, dataset: str = "d"
) -> str | None:
    """What is read where the truth is yes."""
    table = {
        "query": ["text"],
        "model": ["m"],
        "score": pa.array([score], pa.float64()),
        "reference": ["yes"],
        "dataset": [dataset],
        "response": pa.array([said], pa.string()),
    }
    ((answer,),) = recorded_answers(Recordings.read(pa.table(table)), {"d": labels})
    return answer


@pytest.mark.parametrize(
    ("said", "score", "answer"),
    [
        ("Yes.", 1.0, "yes"),
        ("The answer is no.", 0.0, "no"),
        ("I cannot tell.", 0.0, ""),
        # the judge and the reader do not agree
        ("Yes.", 0.0, None),
        ("no", 1.0, None),
        ("I cannot tell.", 1.0, None),
        # judged by something else than the label, or not at all
        ("yes", 0.5, None),
        ("yes", None, None),
        # three labels, and only right answers would be known
        (None, 1.0, None),
        (None, 0.0, None),
    ],
)
def test_a_response_is_believed_where_it_agrees_with_the_score(
    said: str | None, score: float | None, answer: str | None
) -> None:
    assert _answer(said, score) == answer


@pytest.mark.parametrize(("score", "answer"), [(1.0, "yes"), (0.0, "no"), (0.5, None)])
def test_of_two_labels_the_score_names_the_one_that_was_answered(
    score: float, answer: str | None
) -> None:
    assert _answer(None, score, ("no", "yes")) == answer


def test_other_data_sets_are_not_read() -> None:
    assert _answer("yes", 1.0, dataset="other") is None


def test_without_any_classification_there_are_no_rows() -> None:
    table = pa.table({"query": ["text"], "model": ["m"], "score": [1.0]})
    assert recorded_answers(Recordings.read(table), {}) == ()
