"""Expected costs of one query (learners/cost.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check

if TYPE_CHECKING:
    from metallm.inner.pure.checks import FloatArray, Numbers


def expected_costs(
    context: Numbers,
    theta: FloatArray,
    shift: FloatArray,
    listed: FloatArray,
    out: FloatArray,
    length: float,
) -> None:
    """exp(z · theta + shift) · listed of z = (1, length, the last features of the context).

    Args:
        context: shape (1, D), float32 or float64.
        theta: shape (2 + features, K).
        shift: shape (K,).
        listed: shape (1, K).
        out: shape (1, K).
        length: of the query, on the learner's scale.
    """
    size, arms = theta.shape
    dim = context.shape[1]
    check("context", context, (1, dim))
    check("listed", listed, (1, arms))
    check("out", out, (1, arms))
    if not 2 <= size <= dim + 2:
        raise ValueError(f"theta has length {size} along axis 0, not 2 to {dim + 2}")
    z = np.empty(size)
    z[0], z[1] = 1.0, length
    z[2:] = context[0, dim + 2 - size :]
    np.exp(z @ theta + shift, out=out[0])
    out *= listed
