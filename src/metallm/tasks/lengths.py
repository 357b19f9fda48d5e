"""How long answers to a task are: guessed, and the limit under which any label can be said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from metallm.core.query import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_LIMIT = 64
"""Tokens that leave room for a few words around a label."""

AROUND = 48
"""Tokens for what stands around labels: a sentence, JSON, quotation marks."""

BETWEEN = 4
"""Tokens between two labels of one answer."""


def answer_limit(labels: Sequence[str], *, several: bool = False) -> int:
    """Output tokens in which an arm can say any label, and all of them where several may fit.

    A label has no more tokens than bytes. Thoughts are not in it: an arm that reasons needs a
    limit of its own, in its options.

    Args:
        labels: of the task.
        several: whether one answer may name more than one.
    """
    sizes = [len(label.encode()) + BETWEEN for label in labels]
    return max(LEAST_LIMIT, (sum(sizes) if several else max(sizes)) + AROUND)


def usual_answer(labels: Sequence[str], *, structured: bool = False) -> int:
    """A guess of the output tokens of an answer that is a label alone.

    Args:
        labels: of the task.
        structured: whether it comes within a JSON object.
    """
    characters = sum(len(label) for label in labels) / len(labels)
    return math.ceil(characters / CHARACTERS_PER_TOKEN) + (8 if structured else 1)
