"""A query that asks for one of a task's labels, and what arms answered to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.core.arrays import Context

import numpy as np

STUDENT = "metallm/student"
"""The arm that costs nothing: the label that the text itself makes likeliest."""

EVIDENCE = "metallm/evidence"
"""The arm that ends a query: the label that text and answers together make likeliest."""

OWN_ARMS = frozenset({STUDENT, EVIDENCE})

Answers = Sequence[tuple[str, str | None]]
"""What was answered so far: arm and label, None where the answer named none."""


Likely = tuple[tuple[str, float], ...]
"""Labels and how likely an arm itself takes each to be true, by its log probabilities, likeliest
first; labels that are not in it share the rest alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One text of a task.

    Args:
        id: of the query's first decision; what was learned of it is found again by it.
        task: name of the task, "" where it has none.
        labels: the labels that are asked about.
        words: hashed n-grams of the text, uint16, sorted; none where the text cannot tell the
            label, as in a multiple choice.
        context: shape (d,), what the router sees of the query.
        quality: how good each arm is expected to be on this query, 0 to 1, by arm.
        likely: how likely labels are by the word of arms that said so, by arm.
    """

    id: str
    task: str
    labels: tuple[str, ...]
    words: NDArray[np.uint16]
    context: Context
    quality: Mapping[str, float] = field(default_factory=dict)
    likely: Mapping[str, Likely] = field(default_factory=dict)


def words_in(packed: bytes) -> NDArray[np.uint16]:
    """The words of a decision, as they are in the log."""
    return np.frombuffer(packed, "<u2").astype(np.uint16)


def words_out(words: NDArray[np.uint16]) -> bytes:
    """Words, as they go into the log."""
    return words.astype("<u2").tobytes()
