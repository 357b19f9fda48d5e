"""How the time of a decision and of an update grows with arms, context and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deciding.ours import RidgePlayer
from deciding.player import Stream, played

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deciding.timing import Timing


@dataclass(frozen=True, slots=True)
class Scales:
    """What is varied, one at a time around K = 12, d = 33 and 1,000 outcomes.

    Args:
        arms: K.
        dims: d.
        outcomes: n learned before.
    """

    arms: Sequence[int] = (2, 4, 12, 30, 100)
    dims: Sequence[int] = (16, 33, 64, 256, 1024)
    outcomes: Sequence[int] = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: K, d, n and what a decision and an update took."""

    arms: int
    dim: int
    outcomes: int
    decide: Timing
    update: Timing


def growth(scales: Scales, *, blocks: int, calls: int) -> list[Row]:
    """The table, the ridge under SquareCB in each row."""
    points = [
        *((arms, 33, 1_000) for arms in scales.arms),
        *((12, dim, 1_000) for dim in scales.dims),
        *((12, 33, outcomes) for outcomes in scales.outcomes),
    ]
    rows = []
    for arms, dim, outcomes in dict.fromkeys(points):
        ((decide, update),) = played(
            [RidgePlayer(arms, dim)],
            Stream.made_up(arms, dim, rows=500),
            warm_up=outcomes,
            blocks=blocks,
            calls=max(calls // max(arms * dim * dim // 30_000, 1), 5),
        )
        rows.append(Row(arms, dim, outcomes, decide, update))
    return rows
