"""LinUCB: optimism in the face of uncertainty (Li et al. 2010, arXiv 1003.0146)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.policies.simple import share_of_best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import View


class LinUCBPolicy:
    """The arm with the highest expected reward plus α standard errors.

    It is deterministic: its propensities are 1 (shared among exact ties), which leaves nothing to
    weigh for off-policy estimates. Choose SquareCB where those are wanted.

    Args:
        alpha: α, 0 and up, in standard errors.
        name: how decisions call it.
    """

    def __init__(self, alpha: float = 0.5, name: str = "linucb") -> None:
        self.name = name
        self._alpha = alpha

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K)."""
        del arms
        return share_of_best(view.reward + self._alpha * view.uncertainty)
