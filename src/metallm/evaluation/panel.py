"""A panel: the recorded qualities and costs that an evaluation compares arms on, tidied once.

Recordings have holes. An arm may lack a query's answer, or an answer its cost. What follows from
a hole is decided here and nowhere else, so that every figure of a report rests on the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Queries answered by several models.

    Args:
        models: K names, the columns.
        rows: shape (n,), positions of the kept rows in the recordings.
        quality: shape (n, K), 0 to 1; NaN where the model has no recorded answer.
        cost_usd: shape (n, K), USD; NaN exactly where `quality` is.
        left_out: models without any recorded cost, which nothing can be said about.
    """

    models: tuple[str, ...]
    rows: NDArray[np.intp]
    quality: FloatArray
    cost_usd: FloatArray
    left_out: tuple[str, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """Shape (n, K): True where the model has a recorded answer."""
        return ~np.isnan(self.quality)

    @property
    def cost_scale(self) -> float:
        """USD that count as a cost of 1: the mean cost of the dearest model."""
        return float(np.nanmean(self.cost_usd, axis=0).max())

    def reward(self, cost_weight: float, cost_scale: float | None = None) -> FloatArray:
        """R = quality − p · cost / scale, shape (n, K), NaN where nothing was recorded.

        Args:
            cost_weight: p, 0 and up.
            cost_scale: USD that count as 1; default: this panel's own. 0 where all is free.

        Source: MetaLLM (arXiv 2407.10834), Eq. 4, with each query's own cost.
        """
        scale = self.cost_scale if cost_scale is None else cost_scale
        if scale <= 0.0:
            return self.quality
        return self.quality - cost_weight * self.cost_usd / scale

    def take(self, positions: NDArray[np.intp]) -> Panel:
        """The panel of some of its rows, in the order given.

        Args:
            positions: positions of rows of this panel, not of the recordings.

        Raises:
            InputError: no rows, or a model has none of them: its mean would be undefined.
        """
        quality = self.quality[positions]
        unseen = np.asarray(np.isnan(quality).all(axis=0))
        if not len(positions) or unseen.any():
            names = [name for name, gone in zip(self.models, unseen.tolist(), strict=True) if gone]
            raise InputError(
                f"these rows hold no outcome of: {', '.join(names)}; "
                "use more rows or leave these models out"
            )
        return Panel(
            self.models, self.rows[positions], quality, self.cost_usd[positions], self.left_out
        )


def panel_of(models: Sequence[str], quality: FloatArray, cost_usd: FloatArray) -> Panel:
    """Tidy recorded matrices.

    Models without any recorded cost (or without any score) are left out and named; rows that no
    remaining model answered are dropped; an answer whose cost is missing is billed the model's
    mean cost, for a guess of 0 would make the hole look cheap.

    Args:
        models: K names.
        quality: shape (n, K), 0 to 1; NaN where not recorded.
        cost_usd: shape (n, K), USD; NaN where not recorded.

    Raises:
        InputError: the shapes disagree, or nothing is left.
    """
    if quality.ndim != 2 or quality.shape != cost_usd.shape or quality.shape[1] != len(models):
        raise InputError(
            f"quality {quality.shape} and cost_usd {cost_usd.shape} must both have one row a "
            f"query and one column for each of the {len(models)} models"
        )
    known = ~np.isnan(quality)
    billed = known & ~np.isnan(cost_usd)
    kept = np.asarray(billed.any(axis=0))
    rows = np.flatnonzero(known[:, kept].any(axis=1))
    if not len(rows):
        raise InputError("no model has both a score and a cost in any row: nothing to evaluate")
    quality, cost_usd = quality[:, kept], np.where(billed, cost_usd, np.nan)[:, kept]
    cost_usd = np.where(np.isnan(cost_usd), np.nanmean(cost_usd, axis=0), cost_usd)
    cost_usd = np.where(known[:, kept], cost_usd, np.nan)
    return Panel(
        tuple(name for name, keep in zip(models, kept.tolist(), strict=True) if keep),
        rows,
        quality[rows],
        cost_usd[rows],
        tuple(name for name, keep in zip(models, kept.tolist(), strict=True) if not keep),
    )
