"""What always asking one arm is expected to come to: an estimate, for no arm answered every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.cli.console import usd
from metallm.core.classes import OWN_ARMS
from metallm.evaluation.answered import Always

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def mean_of(decisions: Sequence[Mapping[str, Any]]) -> list[Always]:
    """Expectations from the estimates that decisions carried, as a gateway shows them."""
    # what the router answers by itself is no arm that one could always ask
    names = sorted({name for each in decisions for name in each["estimates"]} - OWN_ARMS)
    found = []
    for name in names:
        own = [each["estimates"][name] for each in decisions if name in each["estimates"]]
        costs = [estimate["cost_usd"] for estimate in own]
        known = all(cost is not None for cost in costs)
        accuracy = sum(estimate["quality"] for estimate in own) / len(own)
        found.append(Always(name, len(own), accuracy, sum(costs) if known else None))
    return found


def plain(fixed: Sequence[Always]) -> dict[str, Any]:
    """By arm, as values that JSON can hold."""
    return {
        each.arm: {
            "expected_accuracy": each.accuracy,
            "expected_usd": each.cost_usd,
            "rows": each.rows,
        }
        for each in fixed
    }


def best_of(fixed: Sequence[Always]) -> Always | None:
    """The arm of the highest expected accuracy; None of fewer than two."""
    return max(fixed, key=lambda each: each.accuracy) if len(fixed) > 1 else None


def dearest_of(fixed: Sequence[Always]) -> Always | None:
    """The arm of the highest expected cost, of those whose costs are known."""
    known = [each for each in fixed if each.cost_usd is not None]
    return max(known, key=lambda each: each.cost_usd or 0.0) if len(known) > 1 else None


def told(each: Always, *, judged: bool) -> str:
    """One expectation in words."""
    cost = "an unknown amount" if each.cost_usd is None else usd(each.cost_usd)
    right = f"be right on {100 * each.accuracy:.1f} % and to " if judged else ""
    return (
        f"always asking {each.arm} for the {each.rows} rows of this run is expected to {right}cost "
        f"{cost}: an estimate from what was learned, for it did not answer them all"
    )
