"""Names for the arrays that loops take, and checks of what they are given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]
Numbers = NDArray[np.float64] | NDArray[np.float32]


def check(name: str, array: Numbers, shape: tuple[int, ...]) -> None:
    """The shape of an array.

    Raises:
        ValueError: it is another.
    """
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, not {shape}")


def check_place(name: str, place: int, count: int) -> None:
    """A position among `count`.

    Raises:
        IndexError: there is none such.
    """
    if not 0 <= place < count:
        raise IndexError(f"{name} {place} is not one of {count}")
