"""Several gateways under load by turns, and what each costs beyond one of them."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from serving.measures import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from serving.measures import Target

CONNECTIONS = 32


def by_turns(
    targets: Sequence[Target], count: int, rounds: int, *, stream: bool
) -> dict[str, list[float]]:
    """CPU ms of a request by target's name, one figure a round.

    Args:
        targets: servers, whose rounds take turns.
        count: requests of a round.
        rounds: of each.
        stream: whether streams are asked for.
    """
    found: dict[str, list[float]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            found[target.name].append(load(target, count, CONNECTIONS, stream=stream).cpu_ms)
    return found


def say(found: Mapping[str, Sequence[float]], base: str, *, stream: bool) -> None:
    """Print medians, ranges, and the median of what each costs more than one of them.

    Args:
        found: as `by_turns` gives it.
        base: the name of the one.
        stream: whether streams were asked for.
    """
    print("a stream of 22 events" if stream else "a whole answer")
    for name, values in found.items():
        more = [value - other for value, other in zip(values, found[base], strict=True)]
        print(
            f"  {name:14s} {statistics.median(values):.3f} ms"
            f"   {min(values):.3f} to {max(values):.3f}"
            f"   {statistics.median(more):+.3f} ms"
        )
