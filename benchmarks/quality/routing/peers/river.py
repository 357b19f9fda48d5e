"""river: LinUCBDisjoint, a Bayesian linear regression per arm on the reward.

With a burn-in its first update fails (its positional parameters cross over), so it has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routing.peers.bandit import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from routing.peers.bandit import Setup


class RiverBandit:
    """LinUCBDisjoint.

    Args:
        setup: what it is made for.
        options: alpha (precision of the prior) and beta (of the noise).
    """

    def __init__(self, setup: Setup, **options: float) -> None:
        from river.bandit import LinUCBDisjoint

        self._policy: Any = LinUCBDisjoint(seed=setup.seed, **options)

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """Its pull among the arms allowed."""
        return int(self._policy.pull(list(allowed), context=_named(context)))

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn the reward."""
        del quality
        self._policy.update(column, _named(context), reward)


def _named(context: FloatArray) -> dict[int, float]:
    return dict(enumerate(context.tolist()))


def _make(setup: Setup, **options: float) -> RiverBandit:
    return RiverBandit(setup, **options)


KINDS = (
    Kind(
        "river LinUCB",
        "river",
        {"default (α 1, β 1)": {}, "α 10, β 4": {"alpha": 10.0, "beta": 4.0}},
        _make,
    ),
)
