"""Recorded outcomes: one row per query and model, read into matrices.

Rows are counted from 1 in messages, a header apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from metallm.errors import TableError, UnknownArmError
from metallm.tables.columns import check_numbers, encode, number_column, text_column
from metallm.tables.files import read_table, require_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray

REQUIRED = ("query", "model", "score")
TEXTS = ("query_id", "dataset", "split", "query", "question", "reference", "model", "response")
LABEL_ROWS = 4
"""Queries of a data set that share a reference before it counts as a label."""

NUMBERS = ("score", "cost_usd", "input_tokens", "output_tokens", "propensity")

LEAST_PROPENSITY = 0.05
"""A rarer choice counts no more than this one would: one lucky outcome must not settle an arm."""


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """What K models answered to n queries, and how well. NaN and None where unknown.

    Args:
        query_ids: n ids, in the order in which the queries were first seen.
        datasets: n names of tasks, "" where unknown.
        splits: n names such as "train", "" where unknown.
        texts: n bare questions, which are embedded: `question`, or `query` where that is null.
        queries: n full texts, as they were sent.
        references: n right answers.
        models: K names, sorted.
        score: shape (n, K), 0 to 1.
        cost_usd: shape (n, K), USD.
        input_tokens: shape (n, K).
        output_tokens: shape (n, K).
        propensity: shape (n, K), with what probability the model was asked.
        responses: shape (n, K), text or None.
    """

    query_ids: tuple[str, ...]
    datasets: tuple[str, ...]
    splits: tuple[str, ...]
    texts: tuple[str, ...]
    queries: tuple[str, ...]
    references: tuple[str | None, ...]
    models: tuple[str, ...]
    score: FloatArray
    cost_usd: FloatArray
    input_tokens: FloatArray
    output_tokens: FloatArray
    propensity: FloatArray
    responses: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.query_ids)

    @classmethod
    def read(cls, source: str | PathLike[str] | Any) -> Recordings:
        """Read and check a table.

        Args:
            source: the path of a .csv, .jsonl or .parquet file, a pyarrow Table or a pandas
                DataFrame. Columns: query, model, score (0 to 1); and, where known, query_id,
                dataset, split, question, reference, response, cost_usd, input_tokens,
                output_tokens, propensity. Others are passed over. Rows of the same query_id, or of
                the same query where there is no such column, are the same query.

        Raises:
            TableError: an unreadable file, a missing column, a value of the wrong kind or range,
                or a query and model that occur twice; the message names column and row.
        """
        table, name = _as_table(source)
        require_columns(table, REQUIRED, source=name)
        wanted = [column for column in (*TEXTS, *NUMBERS) if column in table.column_names]
        require_columns(table, wanted, source=name)
        if table.num_rows == 0:
            raise TableError(f"{name} has no rows")
        return _fold(table.select(wanted))

    def subset(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> Recordings:
        """These queries only, in this order.

        Args:
            indices: places of queries, 0 to n − 1.
        """
        rows = np.asarray(indices, dtype=np.int64)
        places = rows.tolist()
        changed: dict[str, Any] = {name: getattr(self, name)[rows] for name in _PER_CELL}
        for name in _PER_QUERY:
            values = getattr(self, name)
            changed[name] = tuple(values[place] for place in places)
        return replace(self, **changed)

    def labels(self) -> tuple[str | None, ...]:
        """The references that are labels: those that several queries of a data set share.

        Returns:
            n labels; "" for a reference of a query's own, such as a worked solution, and None
            where there is none.
        """
        pairs = list(zip(self.datasets, self.references, strict=True))
        shared = Counter(pairs)
        return tuple(
            None if label is None else label if shared[dataset, label] >= LABEL_ROWS else ""
            for dataset, label in pairs
        )

    def weights(self) -> FloatArray | None:
        """How much each outcome counts, shape (n, K); None where no propensity is known.

        A log of a router's own choices shows each model where it was expected to be good. Weights
        of 1 / propensity undo that (Horvitz and Thompson 1952); they are bounded, and scaled to a
        mean of 1 for each model, so that a log counts for as many outcomes as it has.
        """
        if np.isnan(self.propensity).all():
            return None
        weight = 1.0 / np.maximum(self.propensity, LEAST_PROPENSITY)
        weight[np.isnan(self.score)] = np.nan
        known = ~np.isnan(weight)
        total = np.where(known, weight, 0.0).sum(axis=0)
        scaled = weight * (known.sum(axis=0) / np.where(total > 0.0, total, 1.0))
        return np.where(known, scaled, 1.0)

    def with_arms(self, names: Sequence[str]) -> Recordings:
        """These models only, in this order.

        Raises:
            UnknownArmError: a name that no recorded model has.
        """
        chosen = tuple(dict.fromkeys(names))
        for name in chosen:
            if name not in self.models:
                raise UnknownArmError(name, self.models)
        places = [self.models.index(name) for name in chosen]
        return replace(
            self,
            models=chosen,
            **{name: getattr(self, name)[:, places] for name in _PER_CELL},
        )


_PER_QUERY = ("query_ids", "datasets", "splits", "texts", "queries", "references")
_PER_CELL = ("score", "cost_usd", "input_tokens", "output_tokens", "propensity", "responses")


def _as_table(source: Any) -> tuple[pa.Table, str]:
    """The source as an Arrow table, and what to call it in messages."""
    if isinstance(source, str | PathLike):
        return read_table(source, text_columns=TEXTS), fspath(source)
    if isinstance(source, pa.Table):
        return source, "the table"
    # pandas is no dependency of ours: its frames are known by where their class comes from
    if type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "columns"):
        try:
            return pa.Table.from_pandas(source, preserve_index=False), "the data frame"
        except pa.ArrowException as error:
            raise TableError(f"the data frame mixes kinds of values: {error}") from error
    raise TableError(
        "recordings are read from a path, a pyarrow Table or a pandas DataFrame, "
        f"not from {type(source).__name__}"
    )


def _fold(table: pa.Table) -> Recordings:
    """Rows to matrices; every step works on whole columns."""
    text = {name: text_column(table, name) for name in TEXTS if name in table.column_names}
    numbers = _numbers(table)
    key = "query_id" if "query_id" in text else "query"
    query_of, query_ids = encode(text[key], key)
    model_of, seen = encode(text["model"], "model")
    models, ranks = np.unique(np.array(seen, dtype=object), return_inverse=True)
    model_of = ranks[model_of]
    _refuse_duplicates(query_of * len(models) + model_of)

    first = _first_rows(query_of, len(query_ids))
    queries = _same_in_all_rows(text["query"], query_of, first, query_ids)
    shape = (len(query_ids), len(models))
    responses = np.full(shape, None, dtype=object)
    if "response" in text:
        responses[query_of, model_of] = np.array(text["response"].to_pylist(), dtype=object)

    def of_query(name: str) -> list[str | None]:
        if name not in text:
            return [None] * len(query_ids)
        values: list[str | None] = text[name].take(pa.array(first)).to_pylist()
        return values

    return Recordings(
        query_ids=tuple(query_ids),
        datasets=tuple(value or "" for value in of_query("dataset")),
        splits=tuple(value or "" for value in of_query("split")),
        texts=tuple(
            query if bare is None else bare
            for bare, query in zip(of_query("question"), queries, strict=True)
        ),
        queries=tuple(queries),
        references=tuple(of_query("reference")),
        models=tuple(models.tolist()),
        responses=responses,
        **{name: _matrix(values, query_of, model_of, shape) for name, values in numbers.items()},
    )


def _numbers(table: pa.Table) -> dict[str, FloatArray]:
    numbers = {
        name: number_column(table, name)
        if name in table.column_names
        else np.full(table.num_rows, np.nan)
        for name in NUMBERS
    }
    check_numbers(
        numbers["score"], "score", lambda v: (v < 0) | (v > 1), "a score lies between 0 and 1"
    )
    check_numbers(
        numbers["propensity"],
        "propensity",
        lambda v: (v <= 0) | (v > 1),
        "a propensity is above 0 and at most 1 (empty where every model was asked)",
    )
    for name in NUMBERS[1:-1]:
        check_numbers(
            numbers[name],
            name,
            lambda v: (v < 0) | np.isinf(v),
            "it must be finite and 0 or more (empty where unknown)",
        )
    return numbers


def _first_rows(query_of: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The first row of each of n groups, shape (n,)."""
    first = np.empty(n, dtype=np.int64)
    # of several writes to one place the last one stays, so the rows are written from the end
    first[query_of[::-1]] = np.arange(query_of.size, dtype=np.int64)[::-1]
    return first


def _refuse_duplicates(cells: NDArray[np.int64]) -> None:
    first = _first_rows(cells, int(cells.max()) + 1)
    again = np.flatnonzero(first[cells] != np.arange(cells.size))
    if again.size:
        row = int(again[0])
        raise TableError(
            f"row {row + 1} repeats row {int(first[cells[row]]) + 1}: "
            "the same query and model again; keep one of the two"
        )


def _same_in_all_rows(
    column: pa.Array,
    query_of: NDArray[np.int64],
    first: NDArray[np.int64],
    query_ids: Sequence[str],
) -> list[str]:
    """The text of each query, which must be the same in all its rows."""
    codes, distinct = encode(column, "query")
    other = np.flatnonzero(codes != codes[first][query_of])
    if other.size:
        row = int(other[0])
        raise TableError(
            f"row {row + 1} has another text for query_id {query_ids[query_of[row]]!r} "
            f"than row {int(first[query_of[row]]) + 1}: one id means one query"
        )
    return [distinct[code] for code in codes[first].tolist()]


def _matrix(
    values: FloatArray,
    query_of: NDArray[np.int64],
    model_of: NDArray[np.int64],
    shape: tuple[int, int],
) -> FloatArray:
    matrix = np.full(shape, np.nan)
    matrix[query_of, model_of] = values
    return matrix
