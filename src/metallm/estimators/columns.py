"""What callers of scikit-learn's methods pass as X: a column of texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from metallm.errors import ColumnError


def texts_of(given: Any) -> list[str]:
    """Texts in a list.

    Args:
        given: a sequence, an array, a pandas Series or a table of one column: texts, none empty.

    Raises:
        ColumnError: anything else; the message names the row.
    """
    if isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise ColumnError(f"X must be several texts, such as a list, not {type(given).__name__}")
    shape: tuple[int, ...] = getattr(given, "shape", ())
    if len(shape) > 1:
        if len(shape) > 2 or shape[1] != 1:
            raise ColumnError(
                f"X must be one column of texts, not of shape {tuple(shape)}: choose the column"
            )
        given = np.asarray(given, dtype=object)[:, 0]
    texts = list(given)
    if not texts:
        raise ColumnError("X holds no texts: found 0 samples where 1 or more are needed")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ColumnError(
                f"X[{row}] is of type {type(text).__name__}: every row must be a text (a string)"
            )
        if not text.strip():
            raise ColumnError(f"X[{row}] is empty: leave it out, or say what it stands for")
    # numpy's own strings are ones, but are no plain ones where they go into JSON
    return [str(text) for text in texts]
