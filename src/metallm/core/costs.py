"""What errors cost: as given, checked, and the largest of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from metallm.errors import InputError

ErrorCosts: TypeAlias = Mapping[tuple[str, str], float] | Mapping[str, Mapping[str, float]]
"""By (truth, said), or {truth: {said: cost}}."""


def checked_costs(
    task: str, given: ErrorCosts, spelled: Callable[[str], str]
) -> dict[tuple[str, str], float]:
    """The costs by (truth, said).

    Args:
        task: its name, for messages.
        given: in either shape.
        spelled: a label as the task spells it; raises UnknownLabelError for any other text.

    Raises:
        InputError: a cost that is negative or no number, or of a right answer.
        UnknownLabelError: a cost of something that is no label.
    """
    costs: dict[tuple[str, str], float] = {}
    for truth, said, cost in _rows(given):
        pair = spelled(truth), spelled(said)
        where = f"task {task!r}: error_costs of {pair[1]!r} where {pair[0]!r} is true"
        if isinstance(cost, bool) or not isinstance(cost, int | float):
            raise InputError(f"{where} must be a number, not {cost!r}")
        if not (math.isfinite(cost) and cost >= 0.0):
            raise InputError(f"{where} must be a number of 0 or more, not {cost!r}")
        if pair[0] != pair[1]:
            costs[pair] = float(cost)
        elif cost:
            raise InputError(f"{where}: a right answer costs nothing, not {cost!r}")
    return costs


def largest_cost(
    task: str,
    labels: Sequence[str],
    costs: Mapping[tuple[str, str], float],
    usual: Callable[[str, str], float],
) -> float:
    """The largest cost of all errors.

    Args:
        task: its name, for messages.
        labels: all of them.
        costs: those that were given, by (truth, said).
        usual: what an error costs where nothing was given.

    Raises:
        InputError: no error costs anything.
    """
    largest = max(costs.values(), default=0.0)
    if largest < 1.0:  # no usual cost is more than 1
        others = (
            usual(truth, said)
            for truth in labels
            for said in labels
            if truth != said and (truth, said) not in costs
        )
        for cost in others:
            largest = max(largest, cost)
            if largest >= 1.0:
                break
    if largest <= 0.0:
        raise InputError(f"task {task!r}: at least one error must cost something")
    return largest


def _rows(given: ErrorCosts) -> Sequence[tuple[str, str, float]]:
    rows = []
    for key, value in given.items():
        if isinstance(value, Mapping):
            rows += [(cast("str", key), said, cost) for said, cost in value.items()]
        elif isinstance(key, tuple) and len(key) == 2:
            rows.append((key[0], key[1], value))
        else:
            raise InputError(
                f"error_costs go by (truth, said) or {{truth: {{said: cost}}}}, not by {key!r}"
            )
    return rows
