"""What a recorded model answers, and what it is billed for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.chance import uniform
from metallm.core.price import Usage
from metallm.core.query import CHARACTERS_PER_TOKEN, message_text
from metallm.sandbox.sureness import PLAIN, share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.query import Message
    from metallm.tables.recordings import Recordings

MOST_LABELS = 100
"""A data set with more references has an answer of its own to every query."""

RIGHT = 0.5
"""The score from which a recorded answer counts as right."""

NO_IDEA = "I do not know."
"""The wrong answer where the recordings know no other."""


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """One answer.

    Args:
        text: what the model said.
        usage: billed tokens, as recorded where they are.
        labels: what the data set's queries are answered with; none where each has its own.
        share: how likely the model takes its label to be, made up.
    """

    text: str
    usage: Usage
    labels: tuple[str, ...] = ()
    share: float = PLAIN


class Answers:
    """Answers from recordings.

    Where a model's text was not recorded, its score tells what it must have said: the reference
    where it was right, another reference of the same dataset where it was wrong.

    Args:
        recordings: what was recorded.
    """

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings
        self._columns = {name: column for column, name in enumerate(recordings.models)}
        for name, column in list(self._columns.items()):
            self._columns.setdefault(name.partition("/")[2] or name, column)
        seen: dict[str, dict[str, None]] = {}
        for dataset, reference in zip(recordings.datasets, recordings.references, strict=True):
            if reference is not None:
                seen.setdefault(dataset, {})[reference] = None
        self._labels = {dataset: sorted(labels) for dataset, labels in seen.items()}

    def column(self, model: str) -> int | None:
        """The column of a model, by its recorded name or what follows its first slash."""
        return self._columns.get(model)

    def answer(self, query: int, column: int, messages: Sequence[Message]) -> RecordedAnswer | None:
        """What the model answered; None where the recording does not tell.

        Args:
            query: place of the query.
            column: column of the model.
            messages: what was sent, to estimate tokens where none were recorded.
        """
        text = self._recordings.responses[query, column]
        if text is None:
            text = self._implied(query, column)
        if text is None:
            return None
        asked = sum(len(message_text(message)) for message in messages)
        usage = Usage(
            _tokens(float(self._recordings.input_tokens[query, column]), asked),
            _tokens(float(self._recordings.output_tokens[query, column]), len(text)),
        )
        labels = self._labels.get(self._recordings.datasets[query], ())
        shared = tuple(labels) if len(labels) <= MOST_LABELS else ()
        right = float(self._recordings.score[query, column]) >= RIGHT
        share = share_of(right=right, draw=uniform(column, query))
        return RecordedAnswer(text, usage, shared, share)

    def _implied(self, query: int, column: int) -> str | None:
        reference = self._recordings.references[query]
        score = self._recordings.score[query, column]
        if reference is None or np.isnan(score):
            return None
        if score >= RIGHT:
            return reference
        labels = self._labels[self._recordings.datasets[query]]
        others = [label for label in labels if label != reference]
        # which wrong one depends on query and model alone, so that every run is the same
        return others[(query + column) % len(others)] if others else NO_IDEA


def _tokens(recorded: float, characters: int) -> int:
    return max(1, round(characters / CHARACTERS_PER_TOKEN)) if np.isnan(recorded) else int(recorded)
