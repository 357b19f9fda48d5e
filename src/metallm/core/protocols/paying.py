"""Who pays for calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from metallm.core.ledger import Reservation
    from metallm.core.price import Usage


class Books(Protocol):
    """What `core.ledger.Ledger` is; or one that keeps itself on disk as well."""

    def reserve(self, amount: int, note: str = "") -> Reservation:
        """Set nano-USD aside.

        Raises:
            BudgetExhaustedError: less is left.
        """
        ...

    def settle(self, reservation: Reservation, actual: int) -> None:
        """Book what it came to, and free the rest."""
        ...

    def release(self, reservation: Reservation) -> None:
        """Free all of it."""
        ...


class Payer(Books, Protocol):
    """Who pays for the calls of one request, one after the other."""

    @property
    def budgeted(self) -> bool:
        """Whether a budget is held; without one, nothing has to be reserved."""
        ...

    @property
    def spent(self) -> int:
        """Nano-USD so far; a call whose bill nobody knows counts with the most it can be."""
        ...

    @property
    def hold(self) -> int:
        """Nano-USD that are set aside for what may be asked next."""
        ...

    def used(self, usage: Usage | None) -> None:
        """Count the tokens of an answer; None where the provider sent none."""
        ...


@runtime_checkable
class PaysBeside(Payer, Protocol):
    """A payer who has set aside what two calls can cost that are made at the same time."""

    def beside(self, input_tokens: int) -> Payer | None:
        """Who pays for the second call; None where it is not covered, or was made already.

        What it comes to is in this payer's `spent` and `hold` too.

        Args:
            input_tokens: that the call sends, by a guess; they count even if it is cancelled.
        """
        ...

    def alone(self) -> None:
        """No second call will be made: free what was set aside for it."""
        ...
