"""Who pays for a call that is no decision: its bill stands in the log of budgets by itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metallm.core.bill import Bill
from metallm.core.ledger import nano_usd
from metallm.errors import BudgetExhaustedError, InputError, RateLimitError, UnfitArmError
from metallm.gateway.budgets import Purse
from metallm.ids import random_id
from metallm.providers.bounds import unbounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest
    from metallm.core.key import Key
    from metallm.core.price import Usage
    from metallm.gateway.budgets import Budgets
    from metallm.gateway.limits import Limits
    from metallm.gateway.metrics import Metrics
    from metallm.providers.bounds import Bound, Bounds


@dataclass(frozen=True, slots=True)
class Embedding:
    """Texts that are to be embedded.

    Args:
        model: who embeds them.
        request: its body.
        texts: how many; None where there are other things among them.
        tokens: of them all, by a guess.
    """

    model: Arm
    request: ChatRequest
    texts: int | None
    tokens: float


@dataclass(frozen=True, slots=True)
class _Held:
    """What is set aside of a budget.

    Args:
        bill: the most that the call can cost.
        bound: the most of its tokens.
    """

    bill: Bill
    bound: Bound


class Payment:
    """One call's payment: what it can cost is set aside and logged before it, the bill after it.

    Args:
        purse: pays; close the payment when the request is over.
        held: None where no budget is held.
        bounds: learn from bills.
        keep: writes a bill to the log.
    """

    def __init__(
        self, purse: Purse, held: _Held | None, bounds: Bounds, keep: Callable[[Bill], None]
    ) -> None:
        self._purse = purse
        self._held = held
        self._bounds = bounds
        self._keep = keep

    async def begin(self) -> None:
        """Before the call is made.

        Raises:
            StoreError: the log does not take it: nothing may be spent that it does not know.
        """
        if self._held is not None:
            await asyncio.to_thread(self._keep, self._held.bill)

    async def end(self, cost_usd: float | None, usage: Usage | None) -> None:
        """After it, however it ended.

        Args:
            cost_usd: None where nobody knows: then it counts with the most that it can be.
            usage: its tokens; None where nobody knows them: then all that were taken count.

        Raises:
            StoreError: the log did not take it; it holds the most that it can be.
        """
        self._purse.used(usage)
        if self._held is not None:
            bill = self._held.bill
            if cost_usd is not None:
                bill = replace(bill, nano_usd=nano_usd(cost_usd))
            made = self._purse.reserve(self._held.bill.nano_usd)
            self._purse.settle(made, bill.nano_usd)
            await asyncio.to_thread(self._keep, bill)

    def passed(self, model: str, usage: Usage) -> str | None:
        """Widen a model's bounds where its bill passed one; what to tell of it, if so."""
        held = self._held
        if held is None or not self._bounds.learn(model, held.bound, usage):
            return None
        return (
            f"model {model!r} billed {usage.input_tokens} input tokens, where "
            f"{held.bound.input_tokens} were allowed for; its further calls are allowed more"
        )

    def close(self) -> None:
        """Give back what was not used."""
        self._purse.close(answered=False)


class Till:
    """Opens payments.

    Args:
        budgets: of keys.
        limits: of keys.
        bounds: what calls can cost at most.
        metrics: counts refusals.
        keep: writes a bill to the log.
        now: POSIX seconds.
    """

    def __init__(
        self,
        budgets: Budgets,
        limits: Limits,
        bounds: Bounds,
        metrics: Metrics,
        keep: Callable[[Bill], None],
        now: Callable[[], float],
    ) -> None:
        self._budgets = budgets
        self._limits = limits
        self._bounds = bounds
        self._metrics = metrics
        self._keep = keep
        self._now = now

    def open(self, key: Key | None, asked: Embedding) -> Payment:
        """A payment from what a key has left.

        Raises:
            UnfitArmError: the key has a budget, and the model no price.
            InputError: the key has a budget, and the request no bound.
            RateLimitError: its tokens of this minute are used up.
            BudgetExhaustedError: what is left of its budget does not cover the call.
        """
        if key is None:
            return Payment(Purse(()), None, self._bounds, self._keep)
        held = self._hold(key, asked)
        try:
            purse = self._purse(key, asked.tokens, held)
        except RateLimitError as error:
            self._metrics.refused(error.reason)
            raise
        except BudgetExhaustedError:
            self._metrics.refused("budget")
            raise
        return Payment(purse, held, self._bounds, self._keep)

    def _hold(self, key: Key, asked: Embedding) -> _Held | None:
        """The most that the call can cost; None where no budget is held."""
        if key.budget is None:
            return None
        why, price = unbounded(asked.model), asked.model.list_price
        if why is not None or price is None:
            raise UnfitArmError({asked.model.name: f"no budget can be held with it: {why}"})
        if asked.texts is None:
            raise InputError(
                "input holds other things than texts and tokens: their cost has no bound that a "
                "budget could hold"
            )
        bound = self._bounds.embedding(asked.model, asked.request, asked.texts)
        return _Held(Bill(random_id(), key.id, bound.nano_usd(price), self._now()), bound)

    def _purse(self, key: Key, tokens: float, held: _Held | None) -> Purse:
        ledgers, hold = self._budgets.ledgers(key, None), 0 if held is None else held.bill.nano_usd
        limits = self._limits.of(key)
        if limits is None or not limits.counts_tokens:
            return Purse(ledgers, hold)
        limits.take_tokens(tokens)
        try:
            return Purse(ledgers, hold, limits=limits, tokens=tokens)
        except BudgetExhaustedError:
            limits.give_tokens(tokens)
            raise
