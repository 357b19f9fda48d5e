"""How much a log holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records of each kind were ever appended.

    Args:
        decisions: decisions; the next one's index.
        outcomes: outcomes of every kind.
        recorded: tables of recorded outcomes, each one record.
    """

    decisions: int
    outcomes: int
    recorded: int
