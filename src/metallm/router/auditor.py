"""Which answers are sent to the reference as well: those that are doubted most.

    q_t = min(1, PACE · share · v_t / mean v),   v_t = LEAST + 1 − confidence_t

v is 0 where the reference has answered anyway, and the mean is over all queries so far, so that
audits come to PACE · share of all. A count on top keeps them from ever being more than the share.
A query's chance is known before it is drawn and goes into the log: means over audited queries
weighted by 1 / q are those over all (Horvitz and Thompson 1952).
"""

from __future__ import annotations

from threading import Lock

PACE = 0.9
"""Of the share, what is aimed at: so the count on top hardly ever has to step in."""

LEAST = 0.1
"""Doubt that every answer is worth; else a student that is sure and wrong were never found out."""

UNKNOWN = 0.5
"""Confidence of an answer that told none."""

FIRST_MEAN, FIRST_COUNT = 0.4, 10.0
"""Doubt before any query, and how many it counts for."""


class Auditor:
    """Chances of audits, for one router. Safe to use from several threads.

    Args:
        share: of all queries, how many may be audited.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._lock = Lock()
        self._seen = 0
        self._audited = 0
        self._doubt = FIRST_MEAN * FIRST_COUNT

    def passed(self) -> None:
        """A query that the reference has answered anyway."""
        with self._lock:
            self._seen += 1

    def chosen(self, confidence: float | None, drawn: float) -> float | None:
        """The chance with which this query is audited, or None where it is not.

        Args:
            confidence: how likely its answer is to be right, 0 to 1; None where nobody knows.
            drawn: uniform in [0, 1), the query's own.
        """
        doubt = LEAST + 1.0 - (UNKNOWN if confidence is None else confidence)
        with self._lock:
            self._seen += 1
            self._doubt += doubt
            mean = self._doubt / (self._seen + FIRST_COUNT)
            # of all of them, nothing is left to choose
            chance = min(1.0, PACE * self._share * doubt / mean) if self._share < 1.0 else 1.0
            if drawn >= chance or self._audited + 1 > self._share * self._seen:
                return None
            self._audited += 1
            return chance
