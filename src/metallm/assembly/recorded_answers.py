"""What recorded arms had answered: the labels that their responses name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.tasks.reading import LabelReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.tables.recordings import Recordings

MOST_CHARACTERS = 10_000
"""Of a response that is read."""


def recorded_answers(
    recordings: Recordings, sets: Mapping[str, Sequence[str]]
) -> tuple[tuple[str | None, ...], ...]:
    """The label that each response names, n rows of K.

    Only what agrees with the score is believed: a reader that takes a response for right where it
    was judged wrong, or the other way round, has misread it. Where there is no response, a score
    of 1 or 0 names the answer if there are two labels; with more it would name the right ones
    alone.

    Args:
        recordings: n queries and K models.
        sets: the labels of each data set that is a classification.

    Returns:
        Labels; "" for a response that names none, and None where nothing is known. No rows at all
        where there are no classifications.
    """
    if not sets:
        return ()
    readers = {name: _reader(labels) for name, labels in sets.items()}
    nothing: tuple[str | None, ...] = (None,) * len(recordings.models)
    rows = []
    for row, (name, truth) in enumerate(
        zip(recordings.datasets, recordings.references, strict=True)
    ):
        if name not in sets or truth is None:
            rows.append(nothing)
            continue
        cells = zip(recordings.responses[row], recordings.score[row].tolist(), strict=True)
        read, labels = readers[name], sets[name]
        rows.append(tuple(_answer(read, labels, truth, said, score) for said, score in cells))
    return tuple(rows)


def _answer(
    read: Callable[[str], str], labels: Sequence[str], truth: str, said: str | None, score: float
) -> str | None:
    if score not in {0.0, 1.0}:  # unknown, or judged by something other than the label
        return None
    right = score == 1.0
    if said is None:
        if len(labels) != 2:
            return None
        return truth if right else next(label for label in labels if label != truth)
    label = read(said[:MOST_CHARACTERS])
    return label if (label == truth) == right else None


def _reader(labels: Sequence[str]) -> Callable[[str], str]:
    """Reads a response; the same few come again and again."""
    reader, known = LabelReader(labels), dict[str, str]()

    def read(response: str) -> str:
        if response not in known:
            known[response] = reader.read(response) or ""
        return known[response]

    return read
