"""What a decision came to, by the log alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.ledger import nano_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome


def charged_nano(decision: Decision, outcomes: Sequence[Outcome]) -> int:
    """Nano-USD that a decision counts with: never too little.

    The newest outcome of a call says what a budget was charged, or what the call cost. Where there
    is none, the process ended before the call did, and what was held for it counts.

    Args:
        decision: any.
        outcomes: its own, oldest first.
    """
    calls = [each for each in outcomes if each.kind != "feedback"]
    if not calls:
        held = None if decision.client is None else decision.client.held_usd
        return nano_usd(held or 0.0)
    last = calls[-1]
    return nano_usd((last.cost_usd if last.charged_usd is None else last.charged_usd) or 0.0)
