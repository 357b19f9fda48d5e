"""A floor under any policy: no arm's probability falls below its own least one.

    p_a = floor_a + (1 − Σ floors) · p_a of the policy beneath

so propensities stay exact, and an estimate from the log never divides by less than the floor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.classes import OWN_ARMS
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import Policy, View


class FlooredPolicy:
    """A policy that gives every arm at least its floor.

    Where fewer arms may be chosen, only their floors count.

    Args:
        policy: the policy beneath; decisions carry its name.
        floor: each arm's least probability, 0 and up; one number for all, below 1 / K, or a
            number by the arm's name (0 for the rest), together below 1.
        arms: names of all K arms.

    Raises:
        ConfigurationError: a floor that is no probability, floors that leave nothing to choose,
            or a name that no arm has.
    """

    def __init__(
        self, policy: Policy, floor: float | Mapping[str, float], arms: Sequence[str]
    ) -> None:
        self.name = policy.name
        self._policy = policy
        self._floors = floors_of(floor, arms)

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K).

        Raises:
            ConfigurationError: an arm that was not named when the policy was made.
        """
        unknown = [arm for arm in arms if arm not in self._floors and arm not in OWN_ARMS]
        if unknown:
            raise ConfigurationError(f"floor: the policy was made without arm {unknown[0]!r}")
        # answering by oneself needs no floor: what it would have got is known all the same
        floors = np.array([self._floors.get(arm, 0.0) for arm in arms])
        chances: FloatArray = self._policy.probabilities(view, arms) * (1.0 - floors.sum())
        chances += floors
        return chances


def floors_of(floor: float | Mapping[str, float], arms: Sequence[str]) -> dict[str, float]:
    """Each arm's least probability by its name; arguments and errors as `FlooredPolicy`."""
    if isinstance(floor, Mapping):
        strangers = [name for name in floor if name not in arms]
        if strangers:
            raise ConfigurationError(
                f"floor: no arm is called {strangers[0]!r}; the arms are: {', '.join(arms)}"
            )
        floors = {arm: _checked(floor.get(arm, 0.0), f"floor of {arm!r}") for arm in arms}
    else:
        floors = dict.fromkeys(arms, _checked(floor, "floor"))
    total = sum(floors.values())
    if total >= 1.0:
        raise ConfigurationError(
            f"the floors of {len(floors)} arms add up to {total:g} and leave nothing to choose: "
            f"keep each below 1 / {len(floors)}, or together below 1"
        )
    return floors


def _checked(value: float, name: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and 0.0 <= value < 1.0):
        raise ConfigurationError(f"{name} must be a probability from 0 to below 1, not {value!r}")
    return float(value)
