"""contextualbandits (david-cortes): LinUCB and LinTS with Sherman-Morrison updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from routing.peers.bandit import Kind, best_allowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from routing.peers.bandit import Setup


class ContextualBandit:
    """A policy of the package; its scores hold the bonus or the posterior's draw.

    Args:
        setup: what it is made for.
        policy: name of a class in contextualbandits.online.
        options: of that class; it adds no bias, for the contexts have one.
    """

    def __init__(self, setup: Setup, policy: str, **options: Any) -> None:
        from contextualbandits import online

        kind = getattr(online, policy)
        self._policy: Any = kind(
            nchoices=len(setup.arms), fit_intercept=False, random_state=setup.seed + 1, **options
        )
        self._begun = False

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """The best score; the first allowed before anything was learned."""
        if not self._begun:
            return int(allowed[0])
        found = self._policy.predict(context[None], output_score=True, output_all_scores=True)
        return best_allowed(found["scores"][0], allowed)

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn the reward."""
        del quality
        self._policy.partial_fit(context[None], np.array([column]), np.array([reward]))
        self._begun = True


def _linucb(setup: Setup, **options: Any) -> ContextualBandit:
    return ContextualBandit(setup, "LinUCB", **options)


KINDS = (
    Kind(
        "contextualbandits LinUCB",
        "contextualbandits",
        {
            "default (α 1, λ 1)": {},
            "as its docs advise (prior, α .1, λ 10)": {
                "ucb_from_empty": False,
                "beta_prior": "auto",
                "alpha": 0.1,
                "lambda_": 10.0,
            },
        },
        _linucb,
    ),
)
