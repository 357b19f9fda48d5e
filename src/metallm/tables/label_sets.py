"""Which data sets of a table are classifications, and what their labels are."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from metallm.core.labels import checked_labels
from metallm.errors import InputError
from metallm.tables.recordings import LABEL_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.tables.recordings import Recordings

MOST_LABELS = 100
MOST_CHARACTERS = 60
"""Of a label: what is longer is an answer of a text's own."""

SHARED = 0.95
"""Of a data set's references, how many have to be shared by several queries."""

SAMPLE = 50
"""Queries that tell whether letters are those of options."""

_OPTION = re.compile(r"(?:^|[\s(])[A1][).:][ \t]+(\S[^\n]*)")


def label_sets(recordings: Recordings) -> Mapping[str, tuple[str, ...]]:
    """All labels of each data set whose references are labels of its texts, by its name.

    Not those of data sets whose references are answers of a text's own, and not letters that stand
    for other options in every query: a text cannot tell them.
    """
    rows_of: dict[str, list[int]] = {}
    for row, (name, reference) in enumerate(
        zip(recordings.datasets, recordings.references, strict=True)
    ):
        if reference is not None:
            rows_of.setdefault(name, []).append(row)
    found = {}
    for name, rows in rows_of.items():
        labels = _labels([recordings.references[row] or "" for row in rows])
        if labels and not _vary(labels, [recordings.queries[row] for row in rows[:SAMPLE]]):
            found[name] = labels
    return found


def _labels(references: Sequence[str]) -> tuple[str, ...]:
    """The distinct references, in order; none where they are no labels."""
    shared = Counter(references)
    common = sum(count for count in shared.values() if count >= LABEL_ROWS)
    if len(shared) > MOST_LABELS or common < SHARED * len(references):
        return ()
    if any(len(each) > MOST_CHARACTERS or "\n" in each for each in shared):
        return ()
    try:
        return checked_labels(sorted(shared))
    except InputError:  # one label alone, an empty one, or two that cannot be told apart
        return ()


def _vary(labels: Sequence[str], queries: Sequence[str]) -> bool:
    """Whether labels are letters of options that are others in most queries."""
    if not all(len(label) == 1 and (label.isupper() or label.isdigit()) for label in labels):
        return False
    # the last one: examples may stand before it
    options = [found[-1].strip() for found in map(_OPTION.findall, queries) if found]
    return len(set(options)) > len(queries) / 2
