"""Numbers as a page shows them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metallm.evaluation.intervals import Interval

NONE = "–"
_GAP = "\N{NO-BREAK SPACE}"


def usd(amount: float | None) -> str:
    """An amount with three significant digits, as costs span many orders of magnitude."""
    if amount is None or math.isnan(amount):
        return "unknown"
    if amount >= 100.0 or amount == 0.0:
        return f"${amount:,.2f}"
    digits = max(2, 2 - math.floor(math.log10(amount)))
    return f"${amount:,.{min(digits, 10)}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 0 to 1."""
    return NONE if share is None or math.isnan(share) else f"{100 * share:.{digits}f}{_GAP}%"


def between(interval: Interval | None) -> str:
    """The ends of an interval of shares."""
    if interval is None:
        return NONE
    return f"{100 * interval.low:.1f}{_GAP}–{_GAP}{100 * interval.high:.1f}{_GAP}%"


def count(number: int, one: str, many: str = "") -> str:
    """A number of things."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
