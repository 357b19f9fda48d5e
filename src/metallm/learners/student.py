"""A student: learns one task's labels from texts, row by row, without ever stopping.

Two experts read a text, one its words, one its context (learners/experts.py); each new row is
visited once, and some older ones again (learners/rehearsal.py). docs/decisions/0011-student.md says
what was tried, and how near this comes to a fit on all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.experts import C_CONTEXT, C_WORDS, ContextExpert, Row, WordsExpert
from metallm.learners.novelty import Novelty
from metallm.learners.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray

VISITS, LEAST_VISITS = 16, 4
"""Older rows that are visited again with each new one, and how few at the least."""

MOST_SCORES = 512
"""Past so many scores to compute fewer rows are visited: a label more must not cost ever more."""

LEAST_ROWS = 16
"""Below, and while only one label was seen, chances are the labels' shares."""


class Student:
    """What is known of one task's labels. Deterministic: the same calls, the same bits.

    Args:
        labels: how many, L, at least 1.
        context_dim: length of a context, d.
        seed: of the rows that are visited again.
    """

    def __init__(self, labels: int, context_dim: int, *, seed: int = 0) -> None:
        self._words = WordsExpert(labels)
        self._context = ContextExpert(labels, context_dim)
        self._rehearsal = Rehearsal(labels, seed)
        self._novelty = Novelty(context_dim)
        self._seed = seed
        self._visits = max(min(VISITS, MOST_SCORES // labels), LEAST_VISITS)
        self._counts = np.zeros(labels, dtype=np.int64)

    @property
    def rows(self) -> int:
        """How many labelled rows were learned and not taken back."""
        return int(self._counts.sum())

    def log_chances(self, words: NDArray[np.uint16], context: Context) -> tuple[FloatArray, float]:
        """What either expert says, and how unlike all that was learned the text is.

        Args:
            words: shape (n,), uint16, distinct (embeddings/grams.py).
            context: shape (d,), float32.

        Returns:
            log P of the words' expert and of the context's, shape (2, L), and the novelty, 0 to 1.
        """
        ids = self._words.folded(words)
        novelty = self._novelty.of(self._words.unseen(ids), context)
        if self.rows < LEAST_ROWS or np.count_nonzero(self._counts) < 2:
            shares = (self._counts + 1.0) / (self._counts.sum() + len(self._counts))
            return np.tile(np.log(shares), (2, 1)), novelty
        scores = np.stack([self._words.scores(ids), self._context.scores(context)])
        scores -= scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), novelty

    def learn(
        self, words: NDArray[np.uint16], context: Context, label: int, weight: float = 1.0
    ) -> None:
        """Learn a row's label.

        Args:
            words: shape (n,), uint16, distinct.
            context: shape (d,), float32.
            label: its place, 0 to L − 1.
            weight: what the row counts, above 0 to 1.

        Raises:
            ValueError: no such label, no such weight, or no such context.
        """
        row = self._row(words, context, label, weight)
        self._novelty.add(self._words.unseen(row.ids), row.context)
        self._counts[label] += 1
        self._words.count(row.ids, 1)
        self._visit(row)
        for other in self._rehearsal.again(self._visits):
            self._visit(other)
        self._rehearsal.add(row)

    def take_back(
        self, words: NDArray[np.uint16], context: Context, label: int, weight: float = 1.0
    ) -> None:
        """Take back what `learn` had learned from the same arguments.

        The row's own part leaves the weights, or, where it is no longer remembered, what its part
        would be now. What others learned beside it stays until they are visited again: weights are
        not what they would be had it never come, and come ever nearer to that.

        Raises:
            ValueError: as `learn`, or no row of that label is left.
        """
        row = self._row(words, context, label, weight)
        if self._counts[label] == 0:
            raise ValueError(f"no row of label {label} was learned, none can be taken back")
        kept = self._rehearsal.take(row.ids, row.context, label, weight)
        if kept is not None:
            self._words.visit(kept, 0.0)
            self._context.visit(kept, 0.0)
        else:
            self._words.visit(row, -C_WORDS)
            self._context.visit(row, -C_CONTEXT)
        self._counts[label] -= 1
        self._words.count(row.ids, -1)
        self._novelty.take_back(row.context)
        for other in self._rehearsal.again(self._visits):
            self._visit(other)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        words, context = self._words, self._context
        used = np.flatnonzero(words.df.astype(bool) | words.V[:-1].any(axis=1))
        state: dict[str, NDArray[Any]] = {
            "counts": self._counts.copy(),
            "ids": used,
            "df": words.df[used],
            "V": words.V[np.append(used, -1)],
            "W": context.W.copy(),
        }
        state |= {f"row_{key}": value for key, value in self._rehearsal.state().items()}
        return state | {f"novelty_{key}": value for key, value in self._novelty.state().items()}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state, of as many labels and numbers in a context."""
        words = WordsExpert(len(self._counts))
        words.df[state["ids"]] = state["df"]
        words.V[np.append(state["ids"], -1)] = state["V"]
        words.rows = int(state["counts"].sum())
        rehearsal = Rehearsal(len(self._counts), self._seed)
        rehearsal.load(_part(state, "row_"))
        self._novelty.load(_part(state, "novelty_"))
        self._words, self._rehearsal = words, rehearsal
        self._context.W = state["W"].copy()
        self._counts = state["counts"].copy()

    def _visit(self, row: Row) -> None:
        self._words.visit(row)
        self._context.visit(row)

    def _row(self, words: NDArray[np.uint16], context: Context, label: int, weight: float) -> Row:
        labels, dim = len(self._counts), self._context.W.shape[1] - 1
        if not 0 <= label < labels:
            raise ValueError(f"label {label} is not one of {labels}")
        if context.shape != (dim,) or not np.isfinite(context).all():
            raise ValueError(f"a context here is {dim} finite numbers, not {context.shape}")
        if not 0.0 < weight <= 1.0:
            raise ValueError(f"a row weighs more than 0 and at most 1, not {weight}")
        alpha = np.zeros((2, labels))
        # copies: what is remembered must not change with the caller's arrays
        ids = self._words.folded(np.array(words, dtype=np.uint16))
        return Row(ids, context.astype(np.float32), label, weight, alpha)


def _part(state: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(name): each for key, each in state.items() if key.startswith(name)}
