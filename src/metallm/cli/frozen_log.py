"""A log as it stood at one moment, while another process writes on."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from metallm.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from metallm.core.bill import Bill
    from metallm.core.decision import Decision
    from metallm.core.log import Entry, Record
    from metallm.core.outcome import Outcome
    from metallm.core.protocols import Store


class FrozenLog:
    """A `Store` that can only be read, up to one place.

    Args:
        log: the whole log; closing it is its owner's task.
        last: place of the last entry that is seen.
        snapshot: the snapshot to start from; None starts from nothing.
    """

    def __init__(self, log: Store, last: int, snapshot: tuple[int, bytes] | None) -> None:
        self._log = log
        self._last = last
        self._snapshot = snapshot

    def subscribe(self, fold: Callable[[Sequence[Entry]], None]) -> None:
        """Nothing is appended, so nothing is ever folded."""

    def append(self, records: Sequence[Record]) -> Future[None]:  # noqa: ARG002 - the protocol's
        """Refuse.

        Raises:
            StoreError: always.
        """
        raise StoreError("a log that is looked at cannot be written")

    def decision(self, decision_id: str) -> Decision | None:
        """A decision by its id."""
        return self._log.decision(decision_id)

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """The outcomes of a decision."""
        return self._log.outcomes(decision_id)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries with a place above `after`, up to the last one that is seen."""
        return takewhile(lambda entry: entry.seq <= self._last, self._log.read(after))

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest decisions with their outcomes."""
        return self._log.recent(limit)

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What decisions of a client came to."""
        return self._log.spent_nano(by, name, since)

    def keep_bill(self, bill: Bill) -> None:
        """Keep nothing."""

    def meta(self, key: str) -> str | None:
        """What was noted about the log."""
        return self._log.meta(key)

    def set_meta(self, key: str, value: str) -> None:
        """Note nothing."""

    def save_snapshot(self, seq: int, state: bytes) -> None:
        """Keep nothing."""

    def snapshot(self) -> tuple[int, bytes] | None:
        """The snapshot to start from."""
        return self._snapshot

    def close(self) -> None:
        """Leave the log open: it is not ours."""
