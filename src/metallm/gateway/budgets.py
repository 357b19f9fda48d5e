"""Budgets of keys and aliases: what was spent, and what is set aside for calls in flight.

What was spent is told by the log, so a restart, or a kill, forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from metallm.core.ledger import Ledger, Reservation, limit_nano_usd
from metallm.errors import BudgetExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.core.budget import Budget
    from metallm.core.key import Key
    from metallm.core.price import Usage
    from metallm.gateway.aliases import Alias
    from metallm.gateway.limits import KeyLimits

    By = Literal["key", "alias"]


@dataclass(slots=True)
class _Open:
    """A budget in its present window.

    Args:
        budget: as it was set when last looked at.
        until: when the window ends, POSIX seconds.
        ledger: its own.
    """

    budget: Budget
    until: float
    ledger: Ledger


class Budgets:
    """The ledgers of all keys and aliases that have a budget. For one event loop.

    Args:
        spent_nano: what a key (or an alias), by its id (or name), came to since a moment.
        now: POSIX seconds.
    """

    def __init__(
        self, spent_nano: Callable[[By, str, float], int], now: Callable[[], float]
    ) -> None:
        self._spent_nano = spent_nano
        self._now = now
        self._open: dict[tuple[By, str], _Open] = {}

    def ledgers(self, key: Key | None, alias: Alias | None) -> list[Ledger]:
        """The ledgers that a request has to be paid from; none where no budget is held."""
        found = []
        if key is not None and key.budget is not None:
            found.append(self._ledger("key", key.id, key.budget))
        if alias is not None and alias.budget is not None:
            found.append(self._ledger("alias", alias.name, alias.budget))
        return found

    def _ledger(self, by: By, name: str, budget: Budget) -> Ledger:
        known, now = self._open.get((by, name)), self._now()
        if known is None or now >= known.until or known.budget.window != budget.window:
            # what is in flight from the window before stays on that window's ledger
            spent = self._spent_nano(by, name, budget.since(now))
            ledger = Ledger(limit_nano_usd(budget.usd), spent)
            known = self._open[by, name] = _Open(budget, budget.until(now), ledger)
        elif known.budget != budget:
            known.budget = budget
            known.ledger.limit = limit_nano_usd(budget.usd)
        return known.ledger


class Purse:
    """Who pays for one request: `core.protocols.Payer` from the ledgers of its key and alias.

    The most that one attempt can cost is set aside from the start to the end, and between attempts
    it is only renewed, so that what is in the log (`hold`) is never less than what is open. The
    same again is set aside where two calls may be made at a time (`set_aside_second`); the second
    is paid from a purse of its own, and counts here.

    Args:
        ledgers: all of which have to cover it; none where no budget is held.
        hold: nano-USD, the most that one attempt can cost.
        limits: of the key's tokens; None for no limit.
        tokens: those that were taken for the request.
        first: whose second call this one pays for; None for a purse by itself.

    Raises:
        BudgetExhaustedError: less is left; nothing is set aside.
    """

    def __init__(
        self,
        ledgers: Sequence[Ledger],
        hold: int = 0,
        *,
        limits: KeyLimits | None = None,
        tokens: float = 0.0,
        first: Purse | None = None,
    ) -> None:
        self._first = first
        self._second: Purse | None = None
        self._beside = False
        self._spent = 0
        self._hold = hold
        self._ledgers = ledgers
        self._limits = limits
        self._taken = tokens
        self._used: float | None = 0.0
        self._called = False
        self._standing: list[Reservation] = []
        self._numbers = 0
        self._reserve_all(hold)

    @property
    def budgeted(self) -> bool:
        """Whether a budget is held."""
        return bool(self._ledgers)

    @property
    def spent(self) -> int:
        """Nano-USD so far, of a second call too."""
        return self._spent + (0 if self._second is None else self._second.spent)

    @property
    def hold(self) -> int:
        """Nano-USD that are set aside for a further attempt, and for a second call."""
        return self._hold + (0 if self._second is None else self._second.standing)

    @property
    def standing(self) -> int:
        """Nano-USD that are set aside right now."""
        return self._standing[0].amount if self._standing else 0

    @property
    def called(self) -> bool:
        """Whether anything was charged to it, be it nothing."""
        return self._called

    def set_aside_second(self) -> None:
        """Set aside as much again for a second call; where less is left there will be none."""
        try:
            self._second = Purse(self._ledgers, self._hold, first=self)
        except BudgetExhaustedError:
            self._second = None

    def beside(self, input_tokens: int) -> Purse | None:
        """Who pays for the second call; None where it is not covered, or was made already.

        Args:
            input_tokens: that it sends, by a guess; they count even if it is cancelled.
        """
        if self._second is None or self._beside:
            return None
        self._beside = True
        if self._used is not None:
            self._used += input_tokens
        return self._second

    def alone(self) -> None:
        """No second call will be made: free what was set aside for it."""
        if self._second is not None and not self._beside:
            self._second.close(answered=False)
            self._second = None

    def reserve(self, amount: int, note: str = "") -> Reservation:
        """Set aside what an attempt can cost, in place of what was set aside before.

        Raises:
            BudgetExhaustedError: less is left.
        """
        self._called = True
        if not self._standing or self._standing[0].amount != amount:
            self._release_all()
            self._reserve_all(amount, note)
        self._numbers += 1
        return Reservation(self._numbers, amount, note)

    def settle(self, reservation: Reservation, actual: int) -> None:
        """Book what an attempt came to."""
        del reservation  # attempts of one purse come one after the other
        standing, self._standing = self._standing, []
        for ledger, made in zip(self._ledgers, standing, strict=True):
            ledger.settle(made, actual)
        self._spent += actual

    def release(self, reservation: Reservation) -> None:
        """An attempt cost nothing: what was set aside stays for the next one."""

    def used(self, usage: Usage | None) -> None:
        """Count the tokens of an answer; where nobody knows them, all that were taken count."""
        if self._first is not None:
            self._first.used(usage)
        elif usage is None or self._used is None:
            self._used = None
        else:
            self._used += usage.input_tokens + usage.output_tokens

    def close(self, *, answered: bool) -> None:
        """Give back what was not used.

        Args:
            answered: whether an answer came. One that nobody charged for counts in full: then the
                provider does not charge, and no budget would ever end.
        """
        second = self._second
        called = self._called or (second is not None and second.called)
        if answered and self._standing and not called:
            self.settle(Reservation(0, self._hold), self._hold)
        self._release_all()
        if second is not None:
            second.close(answered=False)
        if self._limits is not None and self._used is not None:
            self._limits.give_tokens(self._taken - self._used)

    def _reserve_all(self, amount: int, note: str = "") -> None:
        made: list[Reservation] = []
        try:
            for ledger in self._ledgers:
                made.append(ledger.reserve(amount, note))  # noqa: PERF401 - what was made is undone
        except BudgetExhaustedError:
            for ledger, each in zip(self._ledgers, made, strict=False):
                ledger.release(each)
            raise
        self._standing = made

    def _release_all(self) -> None:
        standing, self._standing = self._standing, []
        for ledger, made in zip(self._ledgers, standing, strict=bool(standing)):
            ledger.release(made)
