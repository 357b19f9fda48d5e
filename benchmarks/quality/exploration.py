"""Holds policies against one another where rewards are on other scales, from 2 to 100 arms.

    python benchmarks/quality/exploration.py [--steps 3000] [--seeds 6] [--gammas G ...]
        [--json OUT]

Made-up outcomes, so that the truth is known: each arm is right with a probability that is linear in
the context, and costs what it costs. Three scales: cost weight .2, cost weight 5 (rewards from −5
to 1), and qualities within .01 of each other. The learner is a ridge per arm that starts cold.

--gammas plays SquareCB alone, with each γ₀ that is named.

The figure is the share of what there is to gain that was lost on the way: regret against the best
arm for each query, over the regret of choosing at random. 1 is random, 0 the oracle.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.protocols import View
from metallm.learners.ridge import ArmRidge
from metallm.policies.linucb import LinUCBPolicy
from metallm.policies.simple import GreedyPolicy
from metallm.policies.squarecb import SquareCBPolicy
from metallm.policies.thompson import ThompsonPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import Policy

DIM = 9
"""Length of a context, the bias included."""

POLICIES: dict[str, Callable[[], Policy]] = {
    "squarecb": SquareCBPolicy,
    "squarecb, γ₀ 30": lambda: SquareCBPolicy(30.0),
    "squarecb, γ₀ 3000": lambda: SquareCBPolicy(3000.0),
    "squarecb, no optimism": lambda: SquareCBPolicy(optimism=0.0),
    "thompson": ThompsonPolicy,
    "linucb": LinUCBPolicy,
    "greedy": GreedyPolicy,
}
SLOW_BEYOND = {"thompson": 28}
"""Arms up to which a policy takes part: exact propensities of 100 arms take 27 ms a query."""


@dataclass(frozen=True, slots=True)
class World:
    """A made-up set of arms.

    Args:
        quality: shape (T, K), each arm's chance to be right on each query.
        contexts: shape (T, DIM), the bias first.
        cost: shape (K,), in the dearest arm's cost.
        cost_weight: p.
    """

    quality: FloatArray
    contexts: FloatArray
    cost: FloatArray
    cost_weight: float

    @classmethod
    def of(cls, scale: str, arms: int, steps: int, seed: int) -> World:
        """A world of a scale: "plain", "dear" (p = 5) or "close" (qualities within .01)."""
        rng = np.random.default_rng([seed, arms])
        contexts = np.column_stack([np.ones(steps), rng.normal(size=(steps, DIM - 1)) / 3.0])
        level = rng.uniform(0.5, 0.9, size=arms)
        taste = rng.normal(scale=0.1, size=(arms, DIM - 1))
        quality = level + contexts[:, 1:] @ taste.T
        if scale == "close":
            quality = 0.7 + (quality - 0.7) / 40.0
        # better arms are dearer, roughly, as they are on the market
        cost = np.exp(2.0 * (level - 0.5) / 0.4 + rng.normal(scale=0.7, size=arms))
        p = {"plain": 0.2, "dear": 5.0, "close": 0.0}[scale]
        return cls(np.clip(quality, 0.0, 1.0), contexts, cost / cost.max(), p)


def main() -> None:
    """Play every policy in every world, print a table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gammas", type=float, nargs="+", metavar="G")
    options = parser.parse_args()
    policies = dict(POLICIES)
    if options.gammas:
        policies = {f"squarecb, γ₀ {each:g}": _squarecb(each) for each in options.gammas}
    figures: dict[str, float] = {}
    for scale in ("plain", "dear", "close"):
        for arms in (2, 12, 28, 100):
            for name, make in policies.items():
                if arms > SLOW_BEYOND.get(name, arms):
                    continue
                lost = [
                    share_lost(World.of(scale, arms, options.steps, seed), make(), seed)
                    for seed in range(options.seeds)
                ]
                figures[f"{scale}.{arms}.{name}"] = float(np.mean(lost))
                error = np.std(lost, ddof=1) / np.sqrt(len(lost)) if len(lost) > 1 else np.nan
                print(f"{scale:6} {arms:4} arms  {name:22} {np.mean(lost):.3f} ± {error:.3f}")
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")


def _squarecb(gamma: float) -> Callable[[], Policy]:
    return lambda: SquareCBPolicy(gamma)


def share_lost(world: World, policy: Policy, seed: int) -> float:
    """Regret of a policy that starts cold, over that of a random choice."""
    arms = len(world.cost)
    rng = np.random.default_rng([seed, 1])
    prior = np.zeros(DIM)
    prior[0] = 0.7
    learned = ArmRidge(arms, np.full(DIM, 10.0), prior)
    learned.l2[0] = 2.0
    learned.refactor()
    names = [str(arm) for arm in range(arms)]
    reward = world.quality - world.cost_weight * world.cost
    obtained = 0.0
    for step, z in enumerate(world.contexts):
        row = z[None]
        hoped = learned.predict(row) - world.cost_weight * world.cost
        spread = learned.spread(row) * np.sqrt(learned.variance())
        chances = policy.probabilities(View(hoped, spread, step), names)[0]
        arm = int(rng.choice(arms, p=chances / chances.sum()))
        learned.update(arm, z, float(rng.uniform() < world.quality[step, arm]))
        obtained += reward[step, arm]
    best = reward.max(axis=1).sum()
    return float((best - obtained) / (best - reward.mean(axis=1).sum()))


if __name__ == "__main__":
    main()
