"""What keeps the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from metallm.core.bill import Bill
    from metallm.core.decision import Decision
    from metallm.core.log import Entry, Record
    from metallm.core.outcome import Outcome


class Store(Protocol):
    """The log, and the snapshots of what was folded from it.

    Attributes:
        durable: False where the log ends with the process, so that snapshots are of no use.
    """

    durable: bool

    def subscribe(self, fold: Callable[[Sequence[Entry]], None]) -> None:
        """Have `fold` called with entries in the log's order, once they are durable.

        It is called before the futures of `append` resolve, never twice for an entry, and never
        from two threads at once.
        """
        ...

    def append(self, records: Sequence[Record]) -> Future[None]:
        """Append records, all or none. The future resolves once they are durable and folded.

        Raises:
            StoreError: (through the future) they could not be written; nothing was folded.
        """
        ...

    def decision(self, decision_id: str) -> Decision | None:
        """A decision by its id, from the moment `append` was called."""
        ...

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """The outcomes of a decision that are durable, oldest first."""
        ...

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries with a place above `after`, in order."""
        ...

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest durable decisions with their outcomes, newest first."""
        ...

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What a client came to, by its durable decisions and bills.

        A decision counts as `core.spending.charged_nano` has it. Bills are of keys alone.

        Args:
            by: whether `name` is a key's id or an alias.
            name: which one.
            since: POSIX seconds; what began before does not count.

        Returns:
            Nano-USD; of each decision at most one more than it came to, and never less.
        """
        ...

    def keep_bill(self, bill: Bill) -> None:
        """Keep what a call came to that is no decision; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        ...

    def meta(self, key: str) -> str | None:
        """What was noted about this log under `key`, such as its embedder's id, or None."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Note something about this log; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        ...

    def save_snapshot(self, seq: int, state: bytes) -> None:
        """Keep what was folded from the entries up to `seq`."""
        ...

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot and the place it covers, or None."""
        ...

    def close(self) -> None:
        """Write what is waiting, then let go of the log. Calling it twice is fine."""
        ...


@runtime_checkable
class Gathers(Protocol):
    """A store that can hold records back for a moment, so that others are written with them."""

    def append_patiently(self, records: Sequence[Record]) -> Future[None]:
        """As `Store.append`, in no hurry: for some milliseconds others may join them."""
        ...

    def join(self, waiting: Future[None], records: Sequence[Record]) -> bool:
        """Have records written with what still waits, all or none.

        Args:
            waiting: what `append_patiently` gave; from now on it is that of these records too.
            records: no decisions.

        Returns:
            False, with nothing done, where it no longer waits: then they are to be appended.
        """
        ...
