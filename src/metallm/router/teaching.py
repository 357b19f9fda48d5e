"""Teaching: what is learned of queries that the router did not route."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.core.labels import checked_labels
from metallm.core.outcome import Recorded
from metallm.core.query import Query
from metallm.errors import ConfigurationError
from metallm.router.choosing import NO_TASKS
from metallm.router.recorded import ROWS_AT_ONCE, checked_truth, labelled, mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.core.arrays import FloatArray
    from metallm.core.query import Message
    from metallm.router.folded import FoldedLog
    from metallm.router.reading import Reader


class Teacher:
    """Learns recorded outcomes, and labels that were told of texts.

    Args:
        log: what is learned is logged there.
        reader: of queries.
        clock: POSIX seconds.
    """

    def __init__(self, log: FoldedLog, reader: Reader, clock: Callable[[], float]) -> None:
        self._log = log
        self._reader = reader
        self._clock = clock

    def learn(
        self,
        texts: Sequence[str],
        *,
        arms: Sequence[str],
        quality: FloatArray,
        cost_usd: FloatArray,
        output_tokens: FloatArray,
        tasks: Sequence[str] = (),
        labels: Sequence[str | None] = (),
        weight: FloatArray | None = None,
        classes: Mapping[str, Sequence[str]] | None = None,
        answers: Sequence[Sequence[str | None]] = (),
    ) -> None:
        """Learn recorded outcomes: `Engine.learn`, and as there."""
        # guessed as for live queries, whatever was recorded: a prefix that was sent along then
        # would make live queries look short, and so cheap
        named = [task or None for task in tasks] or [None] * len(texts)
        queries = [Query.of(text, task=task) for text, task in zip(texts, named, strict=True)]
        tokens = np.array([query.input_tokens for query in queries], dtype=np.float64)
        known = {task: tuple(sorted(each)) for task, each in (classes or {}).items()}
        recorded = Recorded(
            self._reader.contexts(queries),
            tuple(arms),
            quality,
            cost_usd,
            tokens,
            output_tokens,
            self._log.knowledge.list_usd(arms, tokens),
            tuple(tasks),
            tuple(labels),
            weight,
            words=tuple(
                self._reader.packed(query) if query.task in known else b"" for query in queries
            )
            if known
            else (),
            answers=tuple(map(tuple, answers)),
            classes=known,
            at=self._clock(),
        )
        self._log.append([recorded]).result()

    def teach(
        self,
        texts: Sequence[str],
        truth: Sequence[str],
        *,
        labels: Sequence[str] | None = None,
        task: str | None = None,
        messages: Callable[[str], Sequence[Message]] | None = None,
    ) -> None:
        """Learn true labels of texts that no arm was asked about: `Engine.teach`, and as there."""
        if self._log.knowledge.classes is None:
            raise ConfigurationError(NO_TASKS)
        asked = checked_labels(sorted(set(truth)) if labels is None else labels)
        checked_truth(texts, truth, asked)
        asked_so = messages or (lambda text: ({"role": "user", "content": text},))
        queries = [Query.of(asked_so(text), task=task, text=text) for text in texts]
        order = mixed(len(queries))
        for start in range(0, len(order), ROWS_AT_ONCE):
            rows = order[start : start + ROWS_AT_ONCE]
            chosen = [queries[row] for row in rows]
            record = labelled(
                self._reader.contexts(chosen, asked),
                np.array([query.input_tokens for query in chosen], dtype=np.float64),
                [self._reader.packed(query) for query in chosen],
                [truth[row] for row in rows],
                asked,
                task or "",
                self._clock(),
            )
            self._log.append([record]).result()
