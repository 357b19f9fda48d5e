"""Which answers a person should look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.evaluation.answered import RowAnswer

MOST = 20
"""Rows in each list."""


@dataclass(frozen=True, slots=True)
class Suspects:
    """Rows to look at, the most telling first.

    Args:
        contested: answered otherwise than the truth says, the surest answers first: where a label
            of the file is wrong, it is likely among them.
        divided: rows on which the models that were asked differ, the least sure first.
        doubtful: the least sure answers of all.
        unread: rows whose answer named no label.
        counts: how many rows each list was cut from, in this order.
    """

    contested: tuple[RowAnswer, ...]
    divided: tuple[RowAnswer, ...]
    doubtful: tuple[RowAnswer, ...]
    unread: tuple[RowAnswer, ...]
    counts: tuple[int, int, int, int]


def suspects(answers: Sequence[RowAnswer], most: int = MOST) -> Suspects:
    """The rows to look at.

    Args:
        answers: of a run.
        most: rows in each list.
    """
    read = [each for each in answers if each.label is not None]
    contested = [each for each in read if each.correct is False]
    contested.sort(key=lambda each: (-_sure(each), -_agreeing(each), each.row))
    divided = [each for each in answers if len({label for _, label in each.said if label}) > 1]
    divided.sort(key=lambda each: (_sure(each), each.row))
    doubtful = [each for each in read if each.confidence is not None]
    doubtful.sort(key=lambda each: (_sure(each), each.row))
    unread = [each for each in answers if each.label is None]
    lists = (contested, divided, doubtful, unread)
    cut = [tuple(each[:most]) for each in lists]
    counts = (len(contested), len(divided), len(doubtful), len(unread))
    return Suspects(cut[0], cut[1], cut[2], cut[3], counts)


def _sure(answer: RowAnswer) -> float:
    """Confidence; without one, in the middle."""
    return 0.5 if answer.confidence is None else answer.confidence


def _agreeing(answer: RowAnswer) -> int:
    """How many arms said what was answered."""
    return sum(label == answer.label for _, label in answer.said)
