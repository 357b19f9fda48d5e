"""Dual coordinate ascent for softmax regression, one row at a time (learners/experts.py).

The letters: x a row, W weights, s = W x its scores, q = |x|² with the bias, alpha the row's part of
the weights (W = Σ alpha xᵀ), C what the row may weigh.

A row of words has x_j = idf_j / |idf|, over the ids that any row had. Their idf change as rows are
learned, so that V holds alpha / |idf| for each id, and idf² is multiplied when scores are wanted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check, check_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.inner.pure.checks import FloatArray, Numbers

MOST_ROUNDS = 40
CLOSE = 1e-13


def sparse_scores(
    ids: NDArray[np.uint16],
    df: FloatArray,
    rows: float,
    V: FloatArray,
    out: FloatArray,
    bias: float,
) -> float:
    """Scores of a text.

    Args:
        ids: distinct, shape (n,).
        df: rows that had each id, shape (H,).
        rows: all rows.
        V: shape (H + 1, L), the bias last.
        out: shape (L,).
        bias: the entry that each row has beside its words.

    Returns:
        |idf| of the text, 0 of one without words.
    """
    check("V", V, (len(df) + 1, len(out)))
    check_place("id", int(ids.max(initial=0)), len(df))
    known = df[ids]
    squares = np.where(known > 0.0, (1.0 + np.log((1.0 + rows) / (1.0 + known))) ** 2, 0.0)
    norm = math.sqrt(float(squares.sum()))
    out[:] = bias * V[-1]
    if norm > 0.0:
        out += squares.dot(V[ids]) / norm
    return norm


def sparse_step(
    ids: NDArray[np.uint16],
    df: FloatArray,
    rows: float,
    V: FloatArray,
    alpha: FloatArray,
    norm: float,
    label: int,
    C: float,
    bias: float,
) -> float:
    """Give a row the alpha that is best beside those of all others, in place.

    Args:
        ids: as for `sparse_scores`, as are df, rows, V and bias.
        df: shape (H,).
        rows: all rows.
        V: shape (H + 1, L).
        alpha: shape (L,).
        norm: |idf| with which alpha is in V; anything above 0 where alpha is 0.
        label: the row's.
        C: what the row may weigh; 0 takes it out; below 0, a step of that size away from it.
        bias: as above.

    Returns:
        |idf| with which alpha is in V now.
    """
    check("alpha", alpha, (V.shape[1],))
    check_place("label", label, len(alpha))
    scores = np.empty(len(alpha))
    now = sparse_scores(ids, df, rows, V, scores, bias)
    own = (now / norm if now > 0.0 else 0.0) + bias * bias
    q = (1.0 if now > 0.0 else 0.0) + bias * bias
    after = _best(scores - own * alpha, q, label, C)
    scale = now if now > 0.0 else 1.0
    V[ids] += after / scale - alpha / norm
    V[-1] += bias * (after - alpha)
    alpha[:] = after
    return scale


def dense_scores(x: Numbers, W: FloatArray, out: FloatArray, bias: float) -> None:
    """Scores of a context.

    Args:
        x: shape (d,), float32 or float64.
        W: shape (L, d + 1), the bias last.
        out: shape (L,).
        bias: the entry that each row has beside its numbers.
    """
    check("W", W, (len(out), len(x) + 1))
    out[:] = W[:, :-1].dot(x.astype(np.float64)) + bias * W[:, -1]


def dense_step(
    x: Numbers, W: FloatArray, alpha: FloatArray, label: int, C: float, bias: float
) -> None:
    """As `sparse_step`.

    Args:
        x: shape (d,), float32 or float64.
        W: shape (L, d + 1).
        alpha: shape (L,).
        label: the row's.
        C: what the row may weigh.
        bias: as above.
    """
    check("alpha", alpha, (len(W),))
    check_place("label", label, len(alpha))
    scores, wide = np.empty(len(alpha)), x.astype(np.float64)
    dense_scores(wide, W, scores, bias)
    q = float(wide.dot(wide)) + bias * bias
    after = _best(scores - q * alpha, q, label, C)
    change = after - alpha
    W[:, :-1] += change[:, None] * wide
    W[:, -1] += bias * change
    alpha[:] = after


def _best(others: FloatArray, q: float, label: int, C: float) -> FloatArray:
    """C (e_y − μ), where μ ∝ exp(others + q C (e_y − μ)); others: scores without the row's part."""
    c = q * max(C, 0.0)
    raised = others.copy()
    raised[label] += c
    chances = _softmax(raised) if c <= 0.0 else _fixed_point(raised, c)
    alpha: FloatArray = -C * chances
    alpha[label] += C
    return alpha


def _softmax(scores: FloatArray) -> FloatArray:
    raised = np.exp(scores - scores.max())
    chances: FloatArray = raised / raised.sum()
    return chances


def _fixed_point(a: FloatArray, c: float) -> FloatArray:
    """μ with log μ + c μ = a + λ and Σ μ = 1.

    With ω = c μ that is ω + log ω = z + λ for z = a + log c. Σ ω is convex in λ, so that Newton's
    method comes down to Σ ω = c without overshooting, from where the largest ω alone is c.
    """
    z = a - a.max() + c + math.log(c)
    shift = 0.0
    omega = _wright(z)
    for _ in range(MOST_ROUNDS):
        over = float(omega.sum()) - c
        if over <= CLOSE * c:
            break
        shift -= over / float((omega / (1.0 + omega)).sum())
        omega = _wright(z + shift)
    chances: FloatArray = omega / omega.sum()
    return chances


def _wright(z: FloatArray) -> FloatArray:
    """ω with ω + log ω = z (Lawrence, Corless & Jeffrey 2012, their fourth-order correction)."""
    low = np.exp(np.minimum(z, 1.0))
    high = np.maximum(z, 1.0)
    omega = np.where(z > 1.0, high - np.log(high), low / (1.0 + low))
    # far below, e^z (1 − e^z) is exact, and log ω might be that of 0
    plain = z < -40.0
    omega = np.where(plain, 1.0, omega)
    for _ in range(2):
        left = np.where(plain, 0.0, z - omega - np.log(omega))
        one = 1.0 + omega
        term = 2.0 * one * (one + left * (2.0 / 3.0))
        omega = omega * (1.0 + left / one * (term - left) / (term - 2.0 * left))
    return np.where(plain, low, omega)
