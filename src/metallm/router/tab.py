"""What one decision is charged, for its outcomes to say: so that a budget can be told from the log.

Every outcome of a decision under a budget says what it came to so far, with what is still held for
a further attempt. Wherever a process ends, the newest outcome, or the decision itself where there
is none, then says no less than what was spent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.core.ledger import as_usd, nano_usd

if TYPE_CHECKING:
    from metallm.core.outcome import Outcome
    from metallm.core.protocols import Payer


class Tab:
    """The charges of one decision.

    Args:
        payer: of the request, as it stands before the decision's first attempt. Without one, or
            where it holds no budget, outcomes stay as they are.
    """

    def __init__(self, payer: Payer | None) -> None:
        self._payer = payer if payer is not None and payer.budgeted else None
        self._before = 0 if payer is None else payer.spent
        self._beside = 0
        self._logged = 0

    @property
    def kept(self) -> bool:
        """Whether a budget is held."""
        return self._payer is not None

    @property
    def unlogged(self) -> bool:
        """Whether more was charged than the last outcome of a failure says."""
        return self._charged() > self._logged

    def failed(self, outcome: Outcome, *, last: bool) -> Outcome:
        """The outcome of a failure, with what the decision was charged.

        Args:
            outcome: without a charge.
            last: whether no further attempt follows.
        """
        if self._payer is None:
            return self._with_beside(outcome)
        self._logged = self._charged()
        held = 0 if last else self._payer.hold
        return replace(outcome, charged_usd=as_usd(self._charged() + held))

    def overtaken(self, outcome: Outcome, *, last: bool) -> Outcome:
        """The outcome of a call that was given up because another had answered.

        What the log says last of a decision is what it came to, so what comes after this one has
        its bill in it too.

        Args:
            outcome: without a charge.
            last: whether nothing comes after it.
        """
        if self._payer is None:
            self._beside += nano_usd(outcome.cost_usd or 0.0)
            return outcome
        return self.failed(outcome, last=last)

    def completed(self, outcome: Outcome) -> Outcome:
        """The outcome of an answer; its cost speaks for itself where it is all that was charged."""
        if self._payer is None:
            return self._with_beside(outcome)
        if nano_usd(outcome.cost_usd or 0.0) == self._charged():
            return outcome
        return replace(outcome, charged_usd=as_usd(self._charged()))

    def _with_beside(self, outcome: Outcome) -> Outcome:
        if not self._beside:
            return outcome
        return replace(
            outcome, charged_usd=as_usd(nano_usd(outcome.cost_usd or 0.0) + self._beside)
        )

    def _charged(self) -> int:
        return 0 if self._payer is None else self._payer.spent - self._before
