"""Whose true labels to ask for, as queries come: the answers that are doubted most.

With b labels left to spend, b ≥ 1, an answer is asked about where its confidence is among the
lowest b · share of the newest answers. Confidence grows with what is learned, so that ever fewer
fall below what used to be low; then b grows, and with it what counts as low.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from threading import Lock

NEWEST = 1000
"""Answers that a new one is compared with."""


class Wanted:
    """Says of each answer whether its true label is asked for. Safe to use from several threads.

    Args:
        share: of all answers, how many labels may be asked for, 0 to 1.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._lock = Lock()
        self._newest: deque[float] = deque(maxlen=NEWEST)
        self._sorted: list[float] = []
        self._seen = 0
        self._asked = 0

    def asks(self, confidence: float | None) -> bool:
        """Whether to ask about this answer; it is one more that was seen.

        Args:
            confidence: how likely it is to be right, 0 to 1; None where nobody knows.
        """
        if self._share <= 0.0:
            return False
        sure = 0.0 if confidence is None else confidence
        with self._lock:
            place, count = bisect_left(self._sorted, sure), len(self._sorted)
            self._keep(sure)
            self._seen += 1
            left = self._share * self._seen - self._asked
            asks = left >= 1.0 and place <= left * self._share * count
            self._asked += asks
            return asks

    def _keep(self, sure: float) -> None:
        if len(self._newest) == NEWEST:
            del self._sorted[bisect_left(self._sorted, self._newest[0])]
        self._newest.append(sure)
        insort(self._sorted, sure)
