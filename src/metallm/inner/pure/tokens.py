"""A text's tokens: the sum of their rows in a table, and their hashes.

Here both kinds of loops agree to the bit: contexts are the same with either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metallm.inner.pure.checks import FloatArray, Indices


def token_sum(table: NDArray[np.float32], ids: Indices, out: NDArray[np.float32]) -> None:
    """Sum of some rows of a table, one after the other.

    Args:
        table: shape (rows, d), float32, d of 2 and up (one column numpy would sum in pairs).
        ids: shape (n,), rows of it.
        out: shape (d,), float32.
    """
    check("out", out, (table.shape[1],))
    if len(ids) and int(ids.min()) < 0:
        raise IndexError(f"token {ids.min()} is not one of {len(table)}")
    np.add.reduce(table.take(ids, axis=0), axis=0, out=out)


def gram_sums(ids: Indices, damped: FloatArray, out: FloatArray, pair: int, spread: int) -> None:
    """Tokens and pairs of neighbours, each hashed to an entry and a sign, summed and damped.

    The hash of a token t is t · `spread` modulo 2⁶⁴, of which the highest bits tell sign and entry;
    that of a pair (s, t) is ((s + 1) · `pair` xor t) · `spread`.

    Args:
        ids: n tokens.
        damped: what stands for each count, from 0 on; at least 2 n values.
        out: shape (entries,), a power of two of at most 1,024.
        pair: spreads pairs apart from tokens.
        spread: spreads neighbouring numbers apart.
    """
    entries, count = len(out), len(ids)
    if entries & (entries - 1) or not 1 <= entries <= 1024 or len(damped) < 2 * count:
        raise ValueError(
            f"out has length {entries}, no power of two of at most 1024, or damped has length "
            f"{len(damped)}, too few for {count} tokens"
        )
    tokens = ids.astype(np.uint64)
    grams = np.empty(max(2 * count - 1, 0), dtype=np.uint64)
    grams[:count] = tokens
    np.multiply(tokens[:-1] + np.uint64(1), np.uint64(pair), out=grams[count:])
    grams[count:] ^= tokens[1:]
    # products wrap around at 2⁶⁴, as they should
    grams *= np.uint64(spread)
    hashed = (grams >> np.uint64(64 - entries.bit_length())).astype(np.intp)
    sums = np.bincount(hashed, minlength=2 * entries)
    counts = sums[:entries] - sums[entries:]
    np.copysign(damped.take(np.abs(counts)), counts, out=out)


def scaled(values: FloatArray, out: NDArray[np.float32], factor: float) -> None:
    """Values times a factor, rounded to float32; both of shape (n,)."""
    check("out", out, values.shape)
    np.multiply(values, factor, out=out, casting="same_kind")
