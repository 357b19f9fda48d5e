"""ParetoBandit: its LinUCB policy on the reward, and its own router with our contexts.

The policy is told the reward, as other bandits are. The router learns quality and subtracts its
own penalty, λ times the logarithm of an arm's list price between market anchors; its λ has another
scale than our p and is chosen among a few, the same for all p.

Source: arXiv 2604.00136.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from routing.peers.bandit import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from routing.peers.bandit import Setup


class ParetoPolicy:
    """DisjointLinUCBPolicy on the reward.

    Args:
        setup: what it is made for.
        options: of the policy.
    """

    def __init__(self, setup: Setup, **options: float) -> None:
        from pareto_bandit import DisjointLinUCBPolicy

        self._names = [str(column) for column in range(len(setup.arms))]
        self._policy: Any = DisjointLinUCBPolicy(
            self._names, dim=setup.dim, seed=setup.seed, **options
        )

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """Its choice among the arms allowed."""
        name, _ = self._policy.select_arm(context, [self._names[column] for column in allowed])
        self._policy.mark_selected(name)
        return int(name)

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn the reward."""
        del quality
        self._policy.update(self._names[column], context, reward, advance_time=False)


class ParetoRouter:
    """BanditRouter without priors, its features replaced by our contexts.

    Args:
        setup: what it is made for.
        cost_penalty: its λ.
    """

    def __init__(self, setup: Setup, cost_penalty: float) -> None:
        from pareto_bandit import BanditRouter, FeatureService

        logging.getLogger("pareto_bandit").setLevel(logging.ERROR)
        registry = {
            str(column): {
                "input_cost_per_m": arm.input_price,
                "output_cost_per_m": arm.output_price,
                "time_to_first_token_seconds": 1.0,
            }
            for column, arm in enumerate(setup.arms)
        }
        service = FeatureService.for_precomputed(setup.dim)
        self._router: Any = BanditRouter.create(
            registry,
            priors="none",
            feature_service=service,
            bandit_seed=setup.seed,
            cost_penalty=cost_penalty,
        )
        self._penalty = {
            name: cost_penalty * self._router._get_normalized_cost(name)  # noqa: SLF001
            for name in registry
        }

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """Its route; it cannot bar an arm for one query, so then its policy is asked directly."""
        names = [str(column) for column in allowed]
        x = self._router.features.extract_features(context)
        name, _ = self._router.bandit.select_arm(x, names, self._penalty)
        self._router.bandit.mark_selected(name)
        return int(name)

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn the quality, which is what its router regresses."""
        del reward
        self._router.update(str(column), context, quality, advance_time=False)


def _policy(setup: Setup, **options: float) -> ParetoPolicy:
    return ParetoPolicy(setup, **options)


def _router(setup: Setup, cost_penalty: float) -> ParetoRouter:
    return ParetoRouter(setup, cost_penalty)


KINDS = (
    Kind(
        "paretobandit policy",
        "pareto_bandit",
        {"default (α .01, λ 1)": {}, "α .25": {"alpha": 0.25}, "λ 10": {"init_lambda": 10.0}},
        _policy,
    ),
    Kind(
        "paretobandit router",
        "pareto_bandit",
        {
            "default (λc .3)": {"cost_penalty": 0.3},
            "λc .1": {"cost_penalty": 0.1},
            "λc .03": {"cost_penalty": 0.03},
        },
        _router,
    ),
)
