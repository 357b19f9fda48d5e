"""A set of labels, or of options' letters: whether they can be told apart."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from metallm.core.folding import fold
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, if they can be told apart.

    Args:
        labels: any texts.

    Raises:
        InputError: one text instead of several, fewer than 2, an empty one, or two that differ
            only in case or spacing.
    """
    if isinstance(labels, str):
        raise InputError(f"labels must be a list of texts, such as ['yes', 'no'], not {labels!r}")
    seen: dict[str, str] = {}
    for label in labels:
        if not isinstance(label, str) or not fold(label):
            raise InputError(f"a label must be a text that is not empty, not {label!r}")
        folded = fold(label)
        if folded in seen:
            raise InputError(f"the labels {seen[folded]!r} and {label!r} cannot be told apart")
        seen[folded] = label
    if len(seen) < 2:
        raise InputError(f"a classification needs 2 labels or more, not {len(seen)}")
    return tuple(labels)


def checked_letters(letters: Sequence[str]) -> tuple[str, ...]:
    """The letters of options, if they are.

    Args:
        letters: capitals of A to Z.

    Raises:
        InputError: another text, fewer than 2, or one letter twice.
    """
    for letter in letters:
        if letter not in tuple(ascii_uppercase):
            raise InputError(f"an option's letter is one capital of A to Z, not {letter!r}")
    if len(letters) < 2 or len(set(letters)) < len(letters):
        raise InputError("a choice has 2 to 26 options, each of another letter")
    return tuple(letters)
