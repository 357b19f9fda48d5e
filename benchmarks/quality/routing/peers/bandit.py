"""What every bandit of another project is asked, and how they are listed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.arrays import FloatArray


class Bandit(Protocol):
    """Chooses among K columns by a context; learns the reward of its choice."""

    def choose(self, context: FloatArray, allowed: Sequence[int]) -> int:
        """A column among those allowed; context of shape (d,), its last entry 1."""
        ...

    def learn(self, context: FloatArray, column: int, *, reward: float, quality: float) -> None:
        """Learn one outcome; most look at the reward alone."""
        ...


@dataclass(frozen=True, slots=True)
class Setup:
    """What a bandit is made for.

    Args:
        dim: length d of a context.
        arms: K arms with their prices.
        seed: of its draws.
        cost_weight: p.
    """

    dim: int
    arms: tuple[Arm, ...]
    seed: int
    cost_weight: float


@dataclass(frozen=True, slots=True)
class Kind:
    """A bandit that can be played.

    Args:
        name: as reports call it.
        package: that must be importable; None for none.
        settings: a name to keyword arguments of `make`; the documented defaults first.
        make: called with the setup and a setting's arguments.
    """

    name: str
    package: str | None
    settings: Mapping[str, Mapping[str, Any]]
    make: Callable[..., Bandit]

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return self.package is None or find_spec(self.package) is not None


def best_allowed(scores: Sequence[float] | FloatArray, allowed: Sequence[int]) -> int:
    """The allowed column with the best score, the first of equals."""
    values = np.asarray(scores, dtype=np.float64)
    return int(allowed[int(values[list(allowed)].argmax())])
