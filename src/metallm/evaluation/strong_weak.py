"""Two models: how much of the strong one's lead a share of calls to it recovers.

Queries are sorted by how much the router thinks the strong model is needed; the first share of
them goes to it. The performance gap recovered (PGR) at that share is

    PGR = (quality − weak) / (strong − weak)

APGR is its mean over all shares (half of it at random), CPT(x) the least share with PGR ≥ x.

Source: RouteLLM (arXiv 2406.18665), section 2; its APGR is a mean over ten shares, here the curve
is used as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class CallCurve:
    """The gap recovered over the share of calls to the strong model.

    Args:
        share: shape (n + 1,), 0 to 1, rising.
        recovered: shape (n + 1,), 0 at the weak model alone and 1 at the strong one alone.
    """

    share: FloatArray
    recovered: FloatArray

    @property
    def apgr(self) -> float:
        """The mean gap recovered over all shares."""
        return float(np.trapezoid(self.recovered, self.share))

    def cpt(self, level: float) -> float:
        """The least share of calls to the strong model that recovers `level` of the gap.

        Args:
            level: above 0, to 1.

        Raises:
            InputError: a level outside these bounds.
        """
        if not 0.0 < level <= 1.0:
            raise InputError(f"a share of the gap lies above 0 and at 1 at most, not at {level}")
        # the tolerance lets sums of the same numbers in another order reach 1
        return float(self.share[np.argmax(self.recovered >= level - 1e-9)])


def call_curve(strong: FloatArray, weak: FloatArray, need: FloatArray) -> CallCurve | None:
    """The curve for a router's ranking of queries.

    Args:
        strong: shape (n,), the strong model's quality for each query.
        weak: shape (n,), the weak one's.
        need: shape (n,), how much the router thinks the strong one is needed; ties keep the
            queries' order.

    Returns:
        The curve; None where the strong model is not better on these queries, so that there is
        no gap to recover.

    Raises:
        InputError: other shapes, or values that are not finite.
    """
    if not strong.ndim == 1 <= len(strong) or not strong.shape == weak.shape == need.shape:
        raise InputError(
            f"a call curve needs three equally long rows, not {strong.shape}, {weak.shape} and "
            f"{need.shape}"
        )
    if not all(np.isfinite(values).all() for values in (strong, weak, need)):
        raise InputError("qualities and needs must be finite: drop the rows that lack one")
    gain = strong - weak
    if gain.sum() <= 0.0:
        return None
    order = np.argsort(-need, kind="stable")
    recovered = np.concatenate(([0.0], np.cumsum(gain[order]))) / gain.sum()
    return CallCurve(np.arange(len(gain) + 1) / len(gain), recovered)
