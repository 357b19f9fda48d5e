"""What a client's call came to that is no decision, so that its budget knows of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bill:
    """What one call is charged with, in the log of budgets alone: nothing is learned from it.

    Args:
        id: of the call; a later bill of the same id takes the place of an earlier one.
        key: id of the client's key.
        nano_usd: before the call, the most that it can cost; after it, what it did. Where a
            process ended in between, the former counts.
        at: POSIX seconds at which the call began.
    """

    id: str
    key: str
    nano_usd: int
    at: float
