"""Names beside points of a plot: those that would lie on others are left to the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray

LETTER = 0.0085
"""Width of a letter, as a share of the plot's."""

LINE = 0.045
"""Height of a line, as a share of the plot's."""


def spread_out(names: Sequence[str], x: FloatArray, y: FloatArray) -> list[str]:
    """The names that have room above their points, the highest points first; "" for the others.

    Args:
        names: n of them.
        x: shape (n,), as drawn.
        y: shape (n,), as drawn.
    """
    across, up = _shares(x), _shares(y)
    placed: list[tuple[float, float, float]] = []  # middle, bottom, half the width
    shown = [""] * len(names)
    for point in np.argsort(-up, kind="stable").tolist():
        middle, bottom = float(across[point]), float(up[point])
        half = LETTER * len(names[point]) / 2.0
        free = all(
            abs(middle - other) > half + width or abs(bottom - level) > LINE
            for other, level, width in placed
        )
        if free:
            placed.append((middle, bottom, half))
            shown[point] = names[point]
    return shown


def _shares(values: FloatArray) -> FloatArray:
    shares: FloatArray = (values - values.min()) / (float(np.ptp(values)) or 1.0)
    return shares
