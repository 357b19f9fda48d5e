"""A budget: so many USD, ever or anew each day or month."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from metallm.errors import ConfigurationError

Window = Literal["day", "month", "total"]

WINDOWS: tuple[Window, ...] = get_args(Window)


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent.

    Args:
        usd: 0 or more.
        window: "day" and "month" begin anew at midnight UTC; "total" never does.

    Raises:
        ConfigurationError: no amount, or no such window.
    """

    usd: float
    window: Window = "total"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.usd) and self.usd >= 0):
            raise ConfigurationError(f"a budget is a number of USD, 0 or more, not {self.usd!r}")
        if self.window not in WINDOWS:
            raise ConfigurationError(
                f"a budget is for a {', a '.join(WINDOWS[:-1])} or in total, not {self.window!r}"
            )

    def since(self, now: float) -> float:
        """When the window of a moment began, POSIX seconds; 0 where it has no beginning."""
        return 0.0 if self.window == "total" else _midnight(self.window, now).timestamp()

    def until(self, now: float) -> float:
        """When it ends; infinity where it never does."""
        if self.window == "total":
            return math.inf
        start = _midnight(self.window, now)
        # 32 days after the first lie in the next month, whichever it is
        later = start + timedelta(days=1 if self.window == "day" else 32)
        return _midnight(self.window, later.timestamp()).timestamp()


def _midnight(window: Window, now: float) -> datetime:
    day = datetime.fromtimestamp(now, tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if window == "day" else day.replace(day=1)
