"""Prompts whose right answer is known: what an arm can be asked to see how good it is.

Only what can be scored for sure is taken: answers that are letters of options or one of a few
labels. A free-form reference cannot be held against an answer by comparing texts, and a score
that is wrong teaches worse than none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING

from metallm.core.folding import fold
from metallm.errors import TableError
from metallm.tables.columns import text_column
from metallm.tables.files import read_table, require_columns
from metallm.tasks.classification import ClassificationTask
from metallm.tasks.multiple_choice import MultipleChoiceTask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MOST_LABELS = 26
"""More different references than that are no set of labels."""

ROWS_PER_LABEL = 3
"""Fewer rows per different reference, on average, are free-form answers that happen to recur."""

COLUMNS = ("query", "question", "reference", "dataset")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Args:
        text: the bare question, which is embedded.
        sent: what is sent, as one user message.
        labels: what the answer can be.
        truth: the right one of them.
        lettered: whether the labels are letters of options, which are read with more care.
        task: name of the task, where known.
    """

    text: str
    sent: str
    labels: tuple[str, ...]
    truth: str
    lettered: bool = False
    task: str | None = None

    def reader(self) -> Callable[[str], str | None]:
        """Reads which of the labels an answer names; None where it names none or several."""
        if self.lettered:
            return MultipleChoiceTask(self.labels).read
        return ClassificationTask(self.labels).read


@dataclass(frozen=True, slots=True)
class PromptSet:
    """Prompts of a table.

    Args:
        prompts: those that can be scored, each text once.
        unknown: queries without a reference.
        unscorable: queries whose reference is neither a letter nor one of a few labels.
    """

    prompts: tuple[Prompt, ...]
    unknown: int
    unscorable: int


@dataclass(frozen=True, slots=True)
class _Row:
    query: str
    text: str
    reference: str
    task: str | None


def read_prompts(path: Path) -> PromptSet:
    """Read the prompts of recorded outcomes, or of any table with `query` and `reference`.

    What a reference can be is told by the others of its data set: mostly single capital letters
    are a multiple choice, few different ones a classification, anything else cannot be scored.

    Args:
        path: a .csv, .jsonl or .parquet file. Columns: query, reference; and, where known,
            question (what is embedded) and dataset. Others are passed over; rows of the same
            query, one a model, are one prompt.

    Raises:
        TableError: an unreadable file, a missing column, or no prompt that can be scored.
    """
    rows, unknown = _rows(path)
    by_task: dict[str | None, list[_Row]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    prompts = [prompt for group in by_task.values() for prompt in _scorable(group)]
    if not prompts:
        raise TableError(
            f"{path} has no prompt that can be scored: {unknown} of its queries have no reference, "
            f"the references of {len(rows)} are neither letters of options nor a few labels"
        )
    return PromptSet(tuple(prompts), unknown, len(rows) - len(prompts))


def _rows(path: Path) -> tuple[list[_Row], int]:
    """One row a text, and the number of texts without a reference."""
    table = read_table(path, text_columns=COLUMNS)
    require_columns(table, ("query", "reference"), source=str(path))
    there = [name for name in COLUMNS if name in table.column_names]
    columns = {name: text_column(table, name).to_pylist() for name in there}
    nothing = [None] * table.num_rows
    found: dict[str, _Row] = {}
    without: set[str] = set()
    for query, question, reference, dataset in zip(
        columns["query"],
        columns.get("question", nothing),
        columns["reference"],
        columns.get("dataset", nothing),
        strict=True,
    ):
        text = question or query
        if not (query and query.strip() and text.strip()):
            continue
        if not (reference and reference.strip()):
            without.add(text)
            continue
        found.setdefault(text, _Row(query, text, reference.strip(), dataset or None))
    return list(found.values()), len(without - found.keys())


def _scorable(rows: Sequence[_Row]) -> list[Prompt]:
    """The prompts of one data set that can be scored."""
    lettered = [row for row in rows if row.reference in ascii_uppercase and len(row.reference) == 1]
    if len(lettered) > len(rows) / 2:
        last = max(ascii_uppercase.index(row.reference) for row in lettered)
        letters = tuple(ascii_uppercase[: max(last + 1, 2)])
        return [
            Prompt(row.text, row.query, letters, row.reference, lettered=True, task=row.task)
            for row in lettered
        ]
    labels: dict[str, str] = {}
    for row in rows:
        labels.setdefault(fold(row.reference), row.reference)
    if not 2 <= len(labels) <= MOST_LABELS or len(rows) < ROWS_PER_LABEL * len(labels):
        return []
    known = tuple(sorted(labels.values()))
    return [
        Prompt(row.text, row.query, known, labels[fold(row.reference)], task=row.task)
        for row in rows
    ]
