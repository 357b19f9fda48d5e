"""The paper's learner: disjoint ridge on the reward itself (Algorithm 1 of arXiv 2407.10834).

    A_j = XᵀX + λI,  b_j = Xᵀ(a_j − p·c_j),  θ_j = A_j⁻¹ b_j

on the bare sentence embedding: no intercept, no centring, prior mean 0. With the quality and cost
in one target, p cannot change without learning anew. λ and α are not in the paper; λ = 12.94 is
that of its published code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.ridge import ArmRidge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray
    from metallm.core.outcome import Recorded

PUBLISHED_LAMBDA = 12.94


class PaperLearner:
    """Disjoint ridge on the reward.

    `estimate` gives the expected reward θᵀx itself; its uncertainty is √(xᵀ A⁻¹ x).

    Args:
        context_dim: length d of the embedding.
        cost_weight: p.
        penalty: λ.
    """

    learns_reward = True

    def __init__(
        self, context_dim: int, *, cost_weight: float, penalty: float = PUBLISHED_LAMBDA
    ) -> None:
        self._cost_weight = cost_weight
        self._names: list[str] = []
        self._ridge = ArmRidge(0, np.full(context_dim, penalty), np.zeros(context_dim))

    def estimate(
        self,
        contexts: Context,
        arms: Sequence[str],
        *,
        tasks: Sequence[str] = (),
        labels: tuple[str, ...] = (),
    ) -> tuple[FloatArray, FloatArray]:
        """Expected reward, and the width of the ellipsoid, each of shape (n, K)."""
        del tasks, labels  # the paper's context is the bare embedding
        x = contexts.astype(np.float64)
        known = {name: position for position, name in enumerate(self._names)}
        positions = [known.get(arm, -1) for arm in arms]
        width = np.sqrt((x * x) @ (1.0 / self._ridge.l2))
        reward = np.column_stack([self._ridge.predict(x), np.zeros(len(x))])
        spread = np.column_stack([self._ridge.spread(x), width])
        return reward[:, positions], spread[:, positions]

    def update(
        self,
        context: Context,
        arm: str,
        quality: float,
        *,
        weight: float = 1.0,
        scaled_cost: float = 0.0,
        task: str = "",
        label: str | None = None,
    ) -> None:
        """A_j += x xᵀ, b_j += r x, for the arm that answered alone."""
        del task, label
        reward = quality - self._cost_weight * scaled_cost
        self._ridge.update(self._position(arm), context.astype(np.float64), reward, weight)

    def fit(self, recorded: Recorded, scaled_costs: FloatArray) -> None:
        """The full-feedback start: every arm answered every row (those it did not are skipped)."""
        x = recorded.contexts.astype(np.float64)
        for column, arm in enumerate(recorded.arms):
            quality = recorded.quality[:, column]
            answered = ~np.isnan(quality)
            reward = quality[answered] - self._cost_weight * scaled_costs[column]
            self._ridge.add(self._position(arm), x[answered], reward)
        self._ridge.refactor()

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "names": np.array(self._names, dtype=np.str_),
            **{key: getattr(self._ridge, key).copy() for key in _SAVED},
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        names = [str(name) for name in state["names"]]
        ridge = ArmRidge(len(names), self._ridge.l2, self._ridge.prior)
        for key in _SAVED:
            setattr(ridge, key, np.array(state[key]))
        self._names, self._ridge = names, ridge

    def _position(self, arm: str) -> int:
        if arm not in self._names:
            self._names.append(arm)
            self._ridge.add_arm()
        return self._names.index(arm)


_SAVED = ("A", "b", "n", "sy", "syy", "P", "theta")
