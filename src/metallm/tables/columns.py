"""Columns of an Arrow table as numpy arrays and lists, checked; messages name column and row."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metallm.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray


def text_column(table: pa.Table, name: str) -> pa.Array:
    """A column of text as one Arrow array of large strings; numbers are written out.

    Raises:
        TableError: the column holds something that is no text, such as lists.
    """
    column = table[name]
    try:
        # large strings before the chunks are joined: 2 GiB of text overflow the small ones
        return column.cast(pa.large_string()).combine_chunks()
    except pa.ArrowException as error:
        raise TableError(
            f"the column {name} must hold text, not {column.type}: write its values as strings"
        ) from error


def number_column(table: pa.Table, name: str) -> FloatArray:
    """A column of numbers, shape (rows,), float64; null becomes NaN.

    Raises:
        TableError: the column holds text or anything else that is no number.
    """
    column = table[name]
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        raise TableError(f"the column {name} must hold numbers, not {kind}")
    numbers = pc.fill_null(column.cast(pa.float64(), safe=False), float("nan"))
    return cast("FloatArray", numbers.to_numpy())


def encode(column: pa.Array, name: str) -> tuple[NDArray[np.int64], list[str]]:
    """The values as places in a list of the distinct ones, which come in first-seen order.

    Raises:
        TableError: a null; the message names the row.
    """
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise TableError(f"{name} is empty in row {row + 1}")
    encoded = column.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


def check_numbers(
    values: FloatArray, name: str, wrong: Callable[[FloatArray], NDArray[np.bool_]], rule: str
) -> None:
    """Refuse the first value for which `wrong` holds; NaN stands for missing and passes.

    Raises:
        TableError: names the row (1 is the first) and the rule.
    """
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(wrong(values) & ~np.isnan(values))
    if bad.size:
        row = int(bad[0])
        raise TableError(f"{name} is {values[row]:g} in row {row + 1}: {rule}")
