"""A context's projection on the directions of a basis (learners/basis.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check

if TYPE_CHECKING:
    from metallm.inner.pure.checks import FloatArray, Numbers


def project(context: Numbers, mean: FloatArray, directions: FloatArray, out: FloatArray) -> None:
    """(1, Vᵀ(x − m)) of one context.

    Args:
        context: shape (1, D), float32 or float64.
        mean: shape (D,).
        directions: shape (D, d).
        out: shape (1, d + 1).
    """
    check("context", context, (1, len(mean)))
    check("out", out, (1, directions.shape[1] + 1))
    out[:, 0] = 1.0
    np.dot((context - mean)[0], directions, out=out[0, 1:])
