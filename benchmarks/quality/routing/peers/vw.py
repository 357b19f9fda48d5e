"""Vowpal Wabbit: contextual bandits with action-dependent features, learning −reward as cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from routing.peers.bandit import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from routing.peers.bandit import Setup


class VowpalBandit:
    """A workspace with one action per arm, its name crossed with the context.

    Args:
        setup: what it is made for.
        options: of the command line.
    """

    def __init__(self, setup: Setup, options: str) -> None:
        from vowpalwabbit import Workspace

        self._workspace: Any = Workspace(
            f"--cb_explore_adf {options} -q xa --quiet --random_seed {setup.seed}"
        )
        self._rng = np.random.default_rng(setup.seed)
        self._last: tuple[int, float] = (-1, 1.0)
        self._allowed: list[int] = []

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """A draw from the distribution that it gives over the allowed actions."""
        self._allowed = list(allowed)
        examples = self._workspace.parse(_lines(context, self._allowed))
        chances = np.array(self._workspace.predict(examples))
        self._workspace.finish_example(examples)
        place = int(self._rng.choice(len(chances), p=chances / chances.sum()))
        self._last = (self._allowed[place], float(chances[place]))
        return self._allowed[place]

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn −reward, weighed by the chance it was chosen with; 1 for what it did not choose."""
        del quality
        chosen, chance = self._last
        told = chosen == column
        label = f"0:{-reward:.6f}:{chance if told else 1.0:.6f}"
        self._workspace.learn(_lines(context, self._allowed if told else [column], column, label))
        self._last = (-1, 1.0)


def _lines(
    context: FloatArray, actions: Sequence[int], labelled: int | None = None, label: str = ""
) -> list[str]:
    shared = " ".join(f"{place}:{value:.5f}" for place, value in enumerate(context.tolist()))
    return [
        f"shared |x {shared}",
        *(f"{label if action == labelled else ''} |a arm{action}" for action in actions),
    ]


def _make(setup: Setup, options: str) -> VowpalBandit:
    return VowpalBandit(setup, options)


KINDS = (
    Kind(
        "vowpalwabbit",
        "vowpalwabbit",
        {
            "default (ε-greedy .05)": {"options": "--epsilon 0.05"},
            "squarecb": {"options": "--squarecb"},
            "cover 5": {"options": "--cover 5"},
        },
        _make,
    ),
)
