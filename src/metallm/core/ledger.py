"""A budget that is never exceeded: what a call may cost is set aside before it is made.

Amounts are whole nano-USD (1e-9 USD), so that sums are exact in any order. A price of 0.01 USD per
million tokens is 10 nano-USD a token.

The law: as long as no call is settled for more than was reserved for it, spent + reserved never
passes the limit, whatever the calls cost and in whatever order they come back.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from decimal import Decimal

from metallm.errors import BudgetExhaustedError, InputError

NANO_PER_USD = 10**9


def nano_usd(usd: float) -> int:
    """An amount as whole nano-USD, rounded up: what may be spent is never understated.

    Args:
        usd: 0 or more.

    Raises:
        InputError: a negative or non-finite amount.
    """
    return math.ceil(_exact(usd))


def limit_nano_usd(usd: float) -> int:
    """A limit as whole nano-USD, rounded down: a budget is never overstated.

    Args:
        usd: 0 or more.

    Raises:
        InputError: a negative or non-finite amount.
    """
    return math.floor(_exact(usd))


def as_usd(nano: int) -> float:
    """Nano-USD as USD, for showing."""
    return nano / NANO_PER_USD


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for one call.

    Args:
        number: tells it from the others of its ledger.
        amount: nano-USD.
        note: what it is for, such as the arm's name.
    """

    number: int
    amount: int
    note: str = ""


class Ledger:
    """What was spent and what is set aside, against a limit. Safe to use from several threads.

    Args:
        limit: nano-USD, 0 or more.
        spent: nano-USD that were spent before; may lie above the limit, then nothing is left.

    Raises:
        InputError: a negative amount.
    """

    def __init__(self, limit: int, spent: int = 0) -> None:
        self.limit = _checked(limit)
        self._lock = threading.Lock()
        self._spent = _checked(spent)
        self._open: dict[int, Reservation] = {}
        self._reserved = 0
        self._made = 0

    @property
    def spent(self) -> int:
        """Nano-USD of all calls that were settled, and of before."""
        return self._spent

    @property
    def reserved(self) -> int:
        """Nano-USD that are set aside for calls in flight."""
        return self._reserved

    @property
    def left(self) -> int:
        """Nano-USD that can still be reserved."""
        with self._lock:
            return self._left()

    def reserve(self, amount: int, note: str = "") -> Reservation:
        """Set aside the most that a call can cost, before it is made.

        Args:
            amount: nano-USD, 0 or more.
            note: what it is for.

        Raises:
            BudgetExhaustedError: less than that is left; nothing was set aside.
            InputError: a negative amount.
        """
        _checked(amount)
        with self._lock:
            if self._spent + self._reserved + amount > self.limit:
                raise BudgetExhaustedError(
                    needed_usd=as_usd(amount),
                    left_usd=as_usd(self._left()),
                    limit_usd=as_usd(self.limit),
                    reserved_usd=as_usd(self._reserved),
                )
            made = Reservation(self._made, amount, note)
            self._made += 1
            self._open[made.number] = made
            self._reserved += amount
            return made

    def settle(self, reservation: Reservation, actual: int) -> None:
        """Book what a call did cost, and free the rest of what was set aside.

        Args:
            reservation: still open.
            actual: nano-USD. More than was reserved is booked as well, for it is owed: then the
                bound was none, and the law above does not hold.

        Raises:
            InputError: a negative amount, or a reservation that is not open here.
        """
        _checked(actual)
        with self._lock:
            self._close(reservation)
            self._spent += actual

    def release(self, reservation: Reservation) -> None:
        """Free what was set aside for a call that cost nothing.

        Raises:
            InputError: a reservation that is not open here.
        """
        with self._lock:
            self._close(reservation)

    def _left(self) -> int:
        return max(self.limit - self._spent - self._reserved, 0)

    def _close(self, reservation: Reservation) -> None:
        if self._open.get(reservation.number) is not reservation:
            raise InputError(f"reservation {reservation.number} is not open in this ledger")
        del self._open[reservation.number]
        self._reserved -= reservation.amount


def _exact(usd: float) -> Decimal:
    if not (math.isfinite(usd) and usd >= 0):
        raise InputError(f"an amount must be a number of USD, 0 or more, not {usd!r}")
    # the shortest decimal that means this float: 0.1 is a tenth here, not a bit more
    return Decimal(repr(float(usd))) * NANO_PER_USD


def _checked(amount: int) -> int:
    if amount < 0:
        raise InputError(f"an amount must be 0 nano-USD or more, not {amount}")
    return amount
