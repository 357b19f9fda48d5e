"""Online figures: a stream of queries, the outcome of each choice told before the next query."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.evaluation.lead import lead

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from routing.players import Player
    from routing.table import Table

COST_WEIGHTS = (0.1, 0.3, 1.0)
"""Prices that online figures are means over: money cheap, middling and dear."""

LENGTHS = (300, 1000)
WARM_ROWS = (25, 100, 600)
CURVE_POINTS = 60


@dataclass(frozen=True, eq=False)
class Stream:
    """A table's rows in the order of one shuffle.

    Args:
        table: n rows.
        shuffle: number of the shuffle.
        warm_rows: how many rows are given away fully labelled before the stream begins.
        newcomer: the column that is barred before `joins`; None for none.
        joins: place in the stream from which on it may be chosen; None for never.
    """

    table: Table
    shuffle: int
    warm_rows: int = 0
    newcomer: int | None = None
    joins: int | None = None

    @property
    def order(self) -> NDArray[np.intp]:
        """All rows in this shuffle's order."""
        return np.random.default_rng(self.shuffle).permutation(len(self.table.panel.rows))

    def allowed(self, place: int, row: int) -> list[int]:
        """Columns that may be chosen: recorded in this row, and there by then."""
        known: list[int] = np.flatnonzero(self.table.panel.known[row]).tolist()
        barred = self.newcomer is not None and (self.joins is None or place < self.joins)
        # a row that the newcomer alone answered has to go to it
        return [column for column in known if column != self.newcomer] or known if barred else known


def play(player: Player, stream: Stream) -> NDArray[np.intp]:
    """Have a player decide a stream.

    Returns:
        The columns chosen, in the stream's order, warm rows apart.
    """
    order = stream.order
    if stream.warm_rows:
        player.warm(order[: stream.warm_rows])
    rows = order[stream.warm_rows :].tolist()
    chosen = np.empty(len(rows), dtype=np.intp)
    for place, row in enumerate(rows):
        chosen[place] = player.choose(row, stream.allowed(place, row))
        player.learn(row, int(chosen[place]))
    return chosen


def figures(stream: Stream, chosen: NDArray[np.intp], cost_weight: float) -> dict[str, Any]:
    """What the choices obtained, less what the best single model would have; × 1000 a query."""
    panel = stream.table.panel.take(stream.order[stream.warm_rows :])
    scale = stream.table.panel.cost_scale
    found = lead(panel, chosen, cost_weight=cost_weight, cost_scale=scale)
    n = len(chosen)
    at = np.unique(np.linspace(1, n, min(CURVE_POINTS, n)).round().astype(int))
    known = {f"lead{length}": _number(1000 * found.per_query(length)) for length in LENGTHS}
    return {
        **known,
        "lead": 1000 * found.per_query(n),
        "reward": float(found.obtained.mean()),
        "later": float(found.obtained[joining(n) :].mean()),
        "best": found.model,
        "curve_at": at.tolist(),
        "curve": found.summed()[at - 1].round(4).tolist(),
    }


def joining(length: int) -> int:
    """The place in a stream where the new arm joins: at a third."""
    return length // 3


def best_arm(stream: Stream, cost_weight: float) -> int:
    """The column with the best mean reward over the whole stream, known afterwards."""
    reward = np.nanmean(stream.table.panel.reward(cost_weight), axis=0)
    return int(reward.argmax())


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
