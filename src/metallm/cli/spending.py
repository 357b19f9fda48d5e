"""A budget that holds over several runs: a ledger that writes down each call before it is made.

A file beside the answers has a line for what a call may cost, before it is made, and one for what
it came to. A call that a kill cut off has no second line, and counts in full.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Self

import orjson

from metallm.cli.files import check_writable
from metallm.cli.guard import WorkFailedError
from metallm.core.ledger import Ledger, Reservation, as_usd, limit_nano_usd, nano_usd
from metallm.errors import ConfigurationError
from metallm.store.lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

SUFFIX = ".spent"


class Spending:
    """A `Ledger` kept on disk, as `providers.budgeted.Books`.

    Args:
        path: its file; made where it is not there.
        budget_usd: of all runs together.
        answers: what earlier runs answered, as the journal holds it. The costs of those that were
            answered without a budget, and so without lines here, count by what they say.

    Attributes:
        path: as given.
        before: nano-USD that earlier runs spent.

    Raises:
        ConfigurationError: the file cannot be written, holds something else, or another run spends
            from it; or an earlier answer's cost is unknown.
        InputError: a budget that is no amount.
    """

    def __init__(
        self, path: Path, budget_usd: float, answers: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        limit = limit_nano_usd(budget_usd)
        check_writable(path)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._lock()
            self._calls, written, known = self._read()
            self.before = written + _others(answers, known)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.uncertain = 0
        """Nano-USD that were counted in full in this run, for nobody knows the bill."""
        self._ledger = Ledger(limit, self.before)
        self._numbers: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    @property
    def budget_usd(self) -> float:
        """The budget."""
        return as_usd(self._ledger.limit)

    @property
    def spent_usd(self) -> float:
        """By all runs together."""
        return as_usd(self._ledger.spent)

    @property
    def left_usd(self) -> float:
        """What can still be spent."""
        return as_usd(self._ledger.left)

    def reserve(self, amount: int, note: str = "") -> Reservation:
        """Set nano-USD aside for a call of the arm that `note` names; it is written on return.

        Raises:
            BudgetExhaustedError: less is left.
            WorkFailedError: it could not be written, so that the call must not be made.
        """
        made = self._ledger.reserve(amount, note)
        number, self._calls = self._calls, self._calls + 1
        self._numbers[made.number] = number
        self._write({"call": number, "arm": note, "at_most_nano_usd": amount})
        return made

    def settle(self, reservation: Reservation, actual: int) -> None:
        """Book what the call came to."""
        self._ledger.settle(reservation, actual)
        self.uncertain += actual if actual == reservation.amount else 0
        self._write({"call": self._numbers.pop(reservation.number), "nano_usd": actual})

    def release(self, reservation: Reservation) -> None:
        """Free what was set aside for a call that cost nothing."""
        self._ledger.release(reservation)
        self._write({"call": self._numbers.pop(reservation.number), "nano_usd": 0})

    def answered(self, decision_id: str) -> None:
        """Note an answer whose calls all have their lines here, before the journal has it."""
        self._write({"answered": decision_id})

    def plain(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return {
            "budget_usd": self.budget_usd,
            "spent_usd": self.spent_usd,
            "spent_before_usd": as_usd(self.before),
            "counted_in_full_usd": as_usd(self.uncertain),
            "left_usd": self.left_usd,
        }

    def _lock(self) -> None:
        try:
            try_lock(self._descriptor)
        except OSError as error:
            raise ConfigurationError(
                f"another run spends from {self.path}: wait for it, or name another --out"
            ) from error

    def _read(self) -> tuple[int, int, set[str]]:
        """How many calls there were, what they came to, and the answers that are accounted for."""
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._descriptor, whole)  # a kill left half a line
        amounts: dict[int, int] = {}
        answered: set[str] = set()
        for line in data[:whole].splitlines():
            try:
                told = orjson.loads(line)
                if "answered" in told:
                    answered.add(str(told["answered"]))
                else:
                    # what was set aside stands until what it came to takes its place
                    amounts[int(told["call"])] = int(
                        told["nano_usd"] if "nano_usd" in told else told["at_most_nano_usd"]
                    )
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                raise ConfigurationError(
                    f"{self.path} is there already and holds something else: name another --out"
                ) from error
        return max(amounts, default=-1) + 1, sum(amounts.values()), answered

    def _write(self, line: Mapping[str, Any]) -> None:
        told = orjson.dumps(line) + b"\n"
        try:
            if os.write(self._descriptor, told) < len(told):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise WorkFailedError(
                f"{self.path} cannot be written, without which no budget holds: "
                f"{error.strerror or error}"
            ) from error


def spending_path(out: Path) -> Path:
    """The file of the budget beside the answers."""
    return out.with_name(out.name + SUFFIX)


def _others(answers: Iterable[Mapping[str, Any]], known: set[str]) -> int:
    """What was spent on answers that have no lines."""
    total = 0
    for answer in answers:
        if answer.get("error") is not None or answer.get("decision_id") in known:
            continue
        cost = answer.get("cost_usd")
        if cost is None and answer.get("decision_id") is not None:
            raise ConfigurationError(
                f"row {answer['row']} was answered at an unknown cost, so that no budget can count "
                "it: name another --out to begin anew"
            )
        total += nano_usd(cost or 0.0)
    return total
