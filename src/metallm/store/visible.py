"""The decisions that can be found without the disk: those on their way to it, and recent ones."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from metallm.core.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.log import Record


class VisibleDecisions:
    """Decisions from the moment they are appended.

    Args:
        capacity: durable decisions that are kept, the least recently used go first; 0 keeps none.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = Lock()
        self._waiting: dict[str, Decision] = {}
        self._recent: OrderedDict[str, Decision] = OrderedDict()

    def announce(self, records: Sequence[Record]) -> None:
        """Show the decisions among records that are about to be written."""
        with self._lock:
            for record in records:
                if isinstance(record, Decision):
                    # of two with one id the first is the one that will be kept
                    self._waiting.setdefault(record.id, record)

    def settle(self, records: Sequence[Record]) -> None:
        """Take note that records are durable."""
        with self._lock:
            for record in records:
                if isinstance(record, Decision):
                    self._withdraw(record)
                    self._recent[record.id] = record
            while len(self._recent) > self._capacity:
                self._recent.popitem(last=False)

    def withdraw(self, records: Sequence[Record]) -> None:
        """Take note that records could not be written."""
        with self._lock:
            for record in records:
                if isinstance(record, Decision):
                    self._withdraw(record)

    def find(self, decision_id: str) -> Decision | None:
        """A decision that is recent or on its way; None where only the disk can tell."""
        with self._lock:
            found = self._recent.get(decision_id)
            if found is None:
                return self._waiting.get(decision_id)
            self._recent.move_to_end(decision_id)
            return found

    def _withdraw(self, decision: Decision) -> None:
        if self._waiting.get(decision.id) is decision:
            del self._waiting[decision.id]
