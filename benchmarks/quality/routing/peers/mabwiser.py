"""MABWiser (fidelity/mabwiser): LinUCB and LinTS, a ridge per arm on the reward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routing.peers.bandit import Kind, best_allowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from routing.peers.bandit import Setup


class MabwiserBandit:
    """A MAB of one learning policy; its expectations hold the bonus or the posterior's draw.

    Args:
        setup: what it is made for.
        policy: "LinUCB" or "LinTS".
        options: of the policy.
    """

    def __init__(self, setup: Setup, policy: str, **options: float) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        chosen = getattr(LearningPolicy, policy)(**options)
        self._columns = list(range(len(setup.arms)))
        self._mab: Any = MAB(self._columns, chosen, seed=setup.seed)
        self._begun = False

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """The best expectation; the first allowed before anything was learned."""
        if not self._begun:
            return int(allowed[0])
        scores = self._mab.predict_expectations([context])
        return best_allowed([scores[column] for column in self._columns], allowed)

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn the reward."""
        del quality
        step = self._mab.partial_fit if self._begun else self._mab.fit
        step([column], [reward], [context])
        self._begun = True


def _linucb(setup: Setup, **options: float) -> MabwiserBandit:
    return MabwiserBandit(setup, "LinUCB", **options)


def _lints(setup: Setup, **options: float) -> MabwiserBandit:
    return MabwiserBandit(setup, "LinTS", **options)


KINDS = (
    Kind(
        "mabwiser LinUCB",
        "mabwiser",
        {
            "default (α 1, λ 1)": {},
            "α .25": {"alpha": 0.25},
            "α .25, λ 10": {"alpha": 0.25, "l2_lambda": 10.0},
        },
        _linucb,
    ),
    Kind(
        "mabwiser LinTS",
        "mabwiser",
        {"default (α 1, λ 1)": {}, "α .25": {"alpha": 0.25}},
        _lints,
    ),
)
