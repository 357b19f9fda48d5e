"""How long arms took lately, so that it can be told when one of them is late.

A call that was given up because another was faster took at least as long as it was waited for. It
counts with that: it was given up after the quantile had passed, so that the quantile of what is
kept is that of the truth. Left out, the quantile would sink with every hedge, and every sinking
would bring more of them.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

NEWEST = 200
"""Times of an arm that are kept."""

LEAST = 20
"""Times below which nothing is said: of fewer a high quantile is the longest of them."""


class Waits:
    """Newest times of arms, of whole answers and of streams' first events apart.

    In memory, and so anew in every process: the log has no times to first events. For one thread.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool], tuple[deque[float], list[float]]] = {}

    def add(self, arm: str, seconds: float, *, stream: bool) -> None:
        """Note one call's time, or how long it was waited for at least.

        Args:
            arm: who was asked.
            seconds: from the call to its answer, or to its stream's first event.
            stream: which of the two.
        """
        newest, ordered = self._kept.setdefault((arm, stream), (deque(), []))
        if len(newest) == NEWEST:
            del ordered[bisect_left(ordered, newest.popleft())]
        newest.append(seconds)
        insort(ordered, seconds)

    def quantile(self, arm: str, share: float, *, stream: bool) -> float | None:
        """Seconds that a share of the arm's times do not pass; None while too few are known.

        Args:
            arm: which one.
            share: between 0 and 1.
            stream: of first events, or of whole answers.
        """
        kept = self._kept.get((arm, stream))
        if kept is None or len(kept[1]) < LEAST:
            return None
        return kept[1][math.ceil(share * len(kept[1])) - 1]
