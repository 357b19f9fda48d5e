"""Where a request is admitted: what its key may ask, what it can cost, and who pays for it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from metallm.core.client import Client
from metallm.core.ledger import as_usd
from metallm.errors import AccessError, BudgetExhaustedError, NotAllowedError, UnfitArmError
from metallm.gateway.access import key_of
from metallm.gateway.budgets import Budgets, Purse
from metallm.gateway.hints import Hints
from metallm.gateway.permits import Permits
from metallm.providers.bounds import unbounded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from starlette.requests import Request

    from metallm.core.completion import ChatRequest
    from metallm.core.key import Key
    from metallm.core.ledger import Ledger
    from metallm.core.query import Query
    from metallm.gateway.aliases import Alias
    from metallm.gateway.limits import Limits
    from metallm.gateway.metrics import Metrics
    from metallm.providers.bounds import Bounds
    from metallm.router.caller import Caller

LIMITS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Visit:
    """One admitted request; close it when it is over, however it ends.

    Args:
        caller: calls the arms, at the client's cost.
        query: the client's, with who it is.
        arms: those that may answer; None for all.
        purse: pays; None where nobody keeps count.
    """

    caller: Caller
    query: Query
    arms: Sequence[str] | None
    purse: Purse | None = None

    def session(self, name: str | None) -> str | None:
        """A conversation's name among those of all tenants.

        Args:
            name: what the client calls it; None where it gives it no name.
        """
        client = self.query.client
        if name is None or client is None or client.tenant is None:
            return name
        return f"{client.tenant}\n{name}"

    def close(self, *, answered: bool) -> None:
        """Give back what was not used.

        Args:
            answered: whether an arm's answer came.
        """
        if self.purse is not None:
            self.purse.close(answered=answered)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(answered=kind is None)

    def through(self, events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The events of a stream, at whose end the visit is over."""
        return events if self.purse is None else self._until_closed(events)

    async def _until_closed(
        self, events: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(events):
                async for event in events:
                    yield event
        finally:
            self.close(answered=True)


class Desk:
    """Admits requests.

    Args:
        caller: decides and calls.
        aliases: by name.
        bounds: what calls can cost at most.
        limits: of keys.
        metrics: counts refusals.
    """

    def __init__(
        self,
        caller: Caller,
        aliases: Mapping[str, Alias],
        bounds: Bounds,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        self.permits = Permits(tuple(caller.engine.arms), aliases)
        self.budgets = Budgets(caller.engine.spent_nano, caller.engine.now)
        self._caller = caller
        self._bounds = bounds
        self._limits = limits
        self._metrics = metrics
        reasons = {name: unbounded(arm) for name, arm in caller.engine.arms.items()}
        self._unbounded = {name: why for name, why in reasons.items() if why is not None}

    def open(self, keys: Iterable[Key]) -> None:
        """Read from the log what was spent, before the first request comes.

        Args:
            keys: every key.
        """
        for key in keys:
            self.budgets.ledgers(key, None)
        for alias in self.permits.aliases.values():
            self.budgets.ledgers(None, alias)

    def admit(
        self,
        request: Request,
        query: Query,
        asked: ChatRequest,
        *,
        alias: Alias | None = None,
        arms: Sequence[str] | None = None,
        named: str | None = None,
        hints: Hints | None = None,
    ) -> Visit:
        """Admit a request.

        Args:
            request: tells the key.
            query: what is routed on.
            asked: what is sent to an arm.
            alias: the alias that was asked for.
            arms: the arms that the client allows; None for all.
            named: the arm that it asked for.
            hints: what else it says; its tenant and tags are noted.

        Raises:
            NotAllowedError: it asks for a tenant that is not the key's.
            UnknownArmError: an arm that the key may not have.
            UnfitArmError: no arm can be held to the budget.
            RateLimitError: the key's tokens of this minute are used up.
            BudgetExhaustedError: no arm's answer is covered.
            InputError: the request cannot be held to a budget.
        """
        key = key_of(request)
        eligible = self.permits.arms(key, alias, arms if named is None else [named])
        try:
            client = _client(key, alias, hints or Hints())
            if client is None:
                return Visit(self._caller, query, arms)
            query = replace(query, client=client)
            return self._paid(key, alias, query, asked, eligible, named=named)
        except AccessError as error:
            self._metrics.refused(error.reason)
            raise
        except BudgetExhaustedError:
            self._metrics.refused("budget")
            raise

    def _paid(
        self,
        key: Key | None,
        alias: Alias | None,
        query: Query,
        asked: ChatRequest,
        arms: Sequence[str] | None,
        *,
        named: str | None,
    ) -> Visit:
        limits = None if key is None else self._limits.of(key)
        if limits is not None and not limits.counts_tokens:
            limits = None
        ledgers = self.budgets.ledgers(key, alias)
        if limits is None and not ledgers:
            return Visit(self._caller, query, arms)
        hold = 0
        if ledgers:
            arms, hold = self._covered(asked, arms, ledgers)
        tokens = float(query.input_tokens + self._most_output(asked.body))
        if limits is not None:
            limits.take_tokens(tokens)
        try:
            purse = Purse(ledgers, hold, limits=limits, tokens=tokens)
        except BudgetExhaustedError:
            if limits is not None:
                limits.give_tokens(tokens)
            raise
        if self._caller.hedges(asked, named=named):
            purse.set_aside_second()
        if ledgers:
            client = replace(query.client or Client(), held_usd=as_usd(purse.hold))
            query = replace(query, client=client)
        return Visit(self._caller.paid_by(purse), query, arms, purse)

    def _covered(
        self, asked: ChatRequest, arms: Sequence[str] | None, ledgers: Sequence[Ledger]
    ) -> tuple[Sequence[str], int]:
        """The arms whose answer the budgets cover, and the most that one of them can cost."""
        known = self._caller.engine.arms
        names = list(known) if arms is None else arms
        fit = [known[name] for name in names if name not in self._unbounded]
        if not fit:
            raise UnfitArmError({name: self._unbounded[name] for name in names})
        most = self._bounds.dearest(fit, asked)
        tight = min(ledgers, key=lambda ledger: ledger.left)
        covered = {name: amount for name, amount in most.items() if amount <= tight.left}
        if not covered:
            raise BudgetExhaustedError(
                needed_usd=as_usd(min(most.values())),
                left_usd=as_usd(tight.left),
                limit_usd=as_usd(tight.limit),
                reserved_usd=as_usd(tight.reserved),
            )
        return list(covered), max(covered.values())

    def _most_output(self, body: Mapping[str, Any]) -> int:
        """Tokens that an answer may have, as far as the request says."""
        limits = [body.get(name) for name in LIMITS]
        given = [each for each in limits if isinstance(each, int) and each > 0]
        count = body.get("n")
        choices = count if isinstance(count, int) and count > 0 else 1
        return (max(given) if given else self._bounds.output_tokens) * choices


def _client(key: Key | None, alias: Alias | None, hints: Hints) -> Client | None:
    """Who asks; None where nothing is to be noted of that.

    Raises:
        NotAllowedError: a tenant that is not the key's.
    """
    tenant = None if key is None else key.tenant
    if hints.tenant is not None and hints.tenant != tenant:
        if key is not None and not key.admin:
            raise NotAllowedError("tenant", f"this key is not for the tenant {hints.tenant!r}")
        tenant = hints.tenant
    if key is None and alias is None and tenant is None and not hints.tags:
        return None
    return Client(
        tenant,
        None if key is None else key.id,
        None if alias is None else alias.name,
        tags=hints.tags,
    )
