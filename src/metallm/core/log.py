"""The log's entries: what is appended durably, and what everything learned is a fold over."""

from __future__ import annotations

from dataclasses import dataclass

from metallm.core.decision import Decision
from metallm.core.outcome import Outcome, Recorded

Record = Decision | Outcome | Recorded


@dataclass(frozen=True, slots=True)
class Entry:
    """One record at its place in the log.

    Args:
        seq: the place, 1 and up, without gaps.
        record: what was appended.
    """

    seq: int
    record: Record
