"""What is timed: a bandit that decides from a context and learns from what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from deciding.timing import timed_in_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deciding.timing import Pair, Timing
    from metallm.core.arrays import FloatArray


class Player(Protocol):
    """A bandit with K arms, numbered from 0."""

    def decide(self, context: FloatArray) -> int:
        """The arm for a context, shape (d,)."""
        ...

    def learn(self, context: FloatArray, arm: int, quality: float) -> None:
        """Learn that `arm` got `quality`, 0 or 1."""
        ...


@dataclass(frozen=True, slots=True)
class Stream:
    """Made-up contexts and what each arm would get.

    Args:
        contexts: shape (n, d); the first entry is 1, the others have length 1 together.
        quality: shape (n, K), 0 or 1.
    """

    contexts: FloatArray
    quality: FloatArray

    @classmethod
    def made_up(cls, arms: int, dim: int, rows: int = 2000, seed: int = 0) -> Stream:
        """Arms of different levels, each a little better on some contexts than on others."""
        rng = np.random.default_rng([seed, arms, dim])
        contexts = rng.normal(size=(rows, dim))
        contexts[:, 0] = 0.0
        contexts /= np.linalg.norm(contexts, axis=1, keepdims=True)
        contexts[:, 0] = 1.0
        chance = rng.uniform(0.4, 0.8, size=arms) + 0.2 * contexts[:, 1:] @ rng.normal(
            size=(dim - 1, arms)
        )
        return cls(contexts, (rng.uniform(size=chance.shape) < chance).astype(np.float64))


def played(
    players: Sequence[Player], stream: Stream, *, warm_up: int, blocks: int, calls: int
) -> list[tuple[Timing, Timing]]:
    """Time of a decision and of learning its outcome, for players who take turns.

    Args:
        players: one or more with the same arms.
        stream: what they are asked.
        warm_up: outcomes that each learns before, of all arms.
        blocks: as `timed_in_turn`.
        calls: as there.
    """
    pairs = [_pair(player, stream, warm_up) for player in players]
    return timed_in_turn(pairs, blocks=blocks, calls=calls)


def _pair(player: Player, stream: Stream, warm_up: int) -> Pair:
    rows, arms = stream.quality.shape
    contexts, quality = list(stream.contexts), stream.quality.tolist()
    for number in range(warm_up):
        row, arm = number % rows, number % arms
        player.learn(contexts[row], arm, quality[row][arm])

    def decide(number: int) -> int:
        return player.decide(contexts[number % rows])

    def learn(number: int, arm: int) -> None:
        player.learn(contexts[number % rows], arm, quality[number % rows][arm])

    return decide, learn
