"""What a router reads of a query: its context, and, where tasks are learned, its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.core.classes import Case, words_out
from metallm.router.told import DIM as TOLD_DIM
from metallm.router.told import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import Context
    from metallm.core.protocols import Embedder
    from metallm.core.query import Query
    from metallm.router.steps import Step


class Reader:
    """Turns queries into what is learned from.

    Args:
        embedder: text to context.
        words: a text's hashed n-grams; None where no task is learned.
        describe: add to a context what the caller tells of the query beside its text.

    Attributes:
        id: tells apart readers whose contexts must not be mixed.
        dim: length of a context.
    """

    def __init__(
        self,
        embedder: Embedder,
        words: Callable[[str], NDArray[np.uint16]] | None,
        *,
        describe: bool,
    ) -> None:
        self._embedder = embedder
        self._words = words or _no_words
        self._describe = describe
        self.id = f"{embedder.id}+told-{TOLD_DIM}" if describe else embedder.id
        self.dim = embedder.dim + (TOLD_DIM if describe else 0)

    def contexts(self, queries: Sequence[Query], labels: tuple[str, ...] = ()) -> Context:
        """Contexts of n queries, shape (n, d)."""
        embedded = self._embedder.embed([query.text for query in queries])
        if not self._describe:
            return embedded
        contexts = np.zeros((len(queries), self.dim), dtype=np.float32)
        contexts[:, :-TOLD_DIM] = embedded
        tell(queries, labels, contexts[:, -TOLD_DIM:])
        return contexts

    def case(self, step: Step) -> Case:
        """A classification as those who learn tasks see it."""
        query = step.query
        context = self.contexts([query], step.labels)[0]
        words = self._words(query.text) if step.reads_text else _no_words(query.text)
        return Case("", query.task or "", tuple(sorted(step.labels)), words, context)

    def packed(self, query: Query) -> bytes:
        """A text's words, as the log holds them."""
        return words_out(self._words(query.text))


def _no_words(text: str) -> NDArray[np.uint16]:  # noqa: ARG001 - looks at nothing
    """Of a text that tells no label."""
    return np.zeros(0, dtype=np.uint16)
