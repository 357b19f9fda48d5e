"""Kernel ridge for one query and one outcome (learners/kernel.py has the letters)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check_place

if TYPE_CHECKING:
    from metallm.inner.pure.checks import FloatArray


def kernel_predict(
    x: FloatArray,
    points: FloatArray,
    squares: FloatArray,
    folded: FloatArray,
    theta: FloatArray,
    out: FloatArray,
    scale: float,
    others: int,
) -> None:
    """Estimates by the kernel exp(−scale |x − z|²), or their mean with other estimates.

    Args:
        x: shape (1, d).
        points: Z, shape (m, d).
        squares: of their lengths, shape (m,).
        folded: shape (K, m).
        theta: shape (K, m + 1), of which the first column counts: the bias.
        out: shape (1, K).
        scale: 1 / 2w².
        others: how many estimates `out` holds the sum of; it becomes the mean of them and these.
    """
    own = near(x, points, squares, scale) @ folded.T
    own += theta[:, 0]
    if others:
        own += out
        own /= others + 1
    out[:] = own


def kernel_update(
    x: FloatArray,
    points: FloatArray,
    squares: FloatArray,
    root: FloatArray,
    P: FloatArray,
    theta: FloatArray,
    folded: FloatArray,
    arm: int,
    y: float,
    weight: float,
    scale: float,
) -> None:
    """Learn one outcome of a context.

    Args:
        x: shape (d,).
        points: Z, shape (m, d).
        squares: of their lengths, shape (m,).
        root: K^(−½), shape (m, m).
        P: shape (K, m + 1, m + 1), symmetric. The compiled loops read and write its lower half
            alone.
        theta: shape (K, m + 1).
        folded: shape (K, m).
        arm: position of the arm.
        y: the outcome.
        weight: 1, or −1 to take it back.
        scale: 1 / 2w².
    """
    check_place("arm", arm, len(P))
    phi = np.empty(P.shape[1])
    phi[0] = 1.0
    np.matmul(near(x[None], points, squares, scale)[0], root, out=phi[1:])
    through = P[arm] @ phi
    gain = weight / (1.0 + weight * float(phi @ through))
    step = through * (gain * (y - float(phi @ theta[arm])))
    theta[arm] += step
    folded[arm] += root @ step[1:]
    # by its root, the product is symmetric to the bit
    through *= np.sqrt(abs(gain))
    product = np.multiply(through[:, None], through)
    if gain < 0.0:
        P[arm] += product
    else:
        P[arm] -= product


def near(x: FloatArray, points: FloatArray, squares: FloatArray, scale: float) -> FloatArray:
    """exp(−scale |x − z|²) of n contexts and m points, x of shape (n, d) gives (n, m)."""
    squared = x @ points.T
    squared *= -2.0
    squared += squares
    squared += (x * x).sum(axis=1)[:, None]
    np.maximum(squared, 0.0, out=squared)
    squared *= -scale
    values: FloatArray = np.exp(squared, out=squared)
    return values
