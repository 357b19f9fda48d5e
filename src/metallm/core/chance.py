"""Randomness by number: the draw for a decision depends on the seed and its index alone.

A generator's state would have to be saved with every decision; a keyed hash of the decision's
index needs nothing saved, so a restart goes on with the very draws that an undisturbed run makes.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


def uniform(seed: int, index: int) -> float:
    """A number in [0, 1) with 53 random bits, the same for the same seed and index."""
    digest = blake2b(
        index.to_bytes(8, "little"), digest_size=8, key=(seed % 2**64).to_bytes(8, "little")
    ).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def draw(probabilities: FloatArray, u: float) -> int:
    """The position that a uniform draw u picks from probabilities of shape (K,).

    Never a position of probability 0.
    """
    cumulative = np.cumsum(probabilities)
    picked = int(np.searchsorted(cumulative, u * cumulative[-1], side="right"))
    # u just below 1 can round up past the end; the last arm with any probability is meant
    return min(picked, int(np.flatnonzero(probabilities)[-1]))
