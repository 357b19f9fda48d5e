"""The calls of one decision: the decided arm's, and the next one's where it fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from metallm.core.classes import OWN_ARMS
from metallm.errors import (
    AllArmsFailedError,
    MetaLLMError,
    ProviderError,
    ProviderRejectedError,
)
from metallm.router.billing import failed
from metallm.router.waiting import after, done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from concurrent.futures import Future

    from metallm.core.completion import ChatRequest
    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.router.answers import Overtaken
    from metallm.router.engine import Engine
    from metallm.router.tab import Tab

T = TypeVar("T")

_QUERY_AT_FAULT = frozenset({400, 413, 422})
"""Refusals that every arm would repeat; any other sends the query on to the next arm."""


class Attempts(Generic[T]):
    """Asks arms until one answers. For one decision.

    Args:
        engine: logs failures.
        decision: who is asked first, and what is believed of the others.
        request: what is sent.
        call: asks an arm, by its name.
        tab: what the decision is charged.
        durable: resolves once the decision is in the log; None where it is.

    Attributes:
        overtaken: a call that was given up because another had answered; None for none.
    """

    def __init__(
        self,
        engine: Engine,
        decision: Decision,
        request: ChatRequest,
        call: Callable[[str, ChatRequest], Awaitable[T]],
        tab: Tab,
        durable: Future[None] | None,
    ) -> None:
        self._engine = engine
        self._decision = decision
        # what failed attempts of an arm come to is in the log before another one is paid for
        self._request = replace(request, before_again=self._again) if tab.kept else request
        self._call = call
        self._tab = tab
        self._durable = durable
        self._order = _order(decision)
        self._asked = 0
        self._failures: list[ProviderError] = []
        self.overtaken: Overtaken | None = None

    async def first(self) -> tuple[str, T]:
        """The decided arm's answer, or else that of the next by expected reward, with its name.

        Raises:
            ProviderError: the query was refused, or every arm failed.
            MetaLLMError: an arm cannot be asked at all.
        """
        while (arm := next(self._order, None)) is not None:
            self._asked += 1
            answered = await self._tried(arm)
            if answered is not None:
                return answered
        failures = self._failures
        if all(isinstance(error, ProviderRejectedError) for error in failures):
            # all refuse it, so the query is at fault after all: the last refusal says why
            raise failures[-1]
        if len(failures) == 1:
            raise failures[0]
        raise AllArmsFailedError(failures)

    async def _tried(self, arm: str) -> tuple[str, T] | None:
        """An arm's answer; None where it failed, and another may be asked."""
        try:
            return arm, await self._call(arm, self._request)
        except asyncio.CancelledError:
            self._gone(arm)
            raise
        except MetaLLMError as error:
            await self._failed(arm, error)
        return None

    def _gone(self, arm: str) -> None:
        """Note a call whose caller went away."""
        gone = ProviderError(arm, "the caller went away before the answer came")
        self._note(gone, last=True)

    async def _failed(self, arm: str, error: MetaLLMError, *, alone: bool = True) -> None:
        """Note a failure.

        Args:
            arm: who failed.
            error: how.
            alone: whether no other call is under way.

        Raises:
            MetaLLMError: the error, where nobody else is to be asked after it.
        """
        if not isinstance(error, ProviderError):
            if self._tab.kept:  # nothing is held for it any more, and the log has to know
                await done(self._note(ProviderError(arm, str(error)), last=True))
            raise error
        self._failures.append(error)
        at_fault = isinstance(error, ProviderRejectedError) and error.status in _QUERY_AT_FAULT
        last = at_fault or (alone and self._asked == _choices(self._decision))
        await done(self._note(error, last=last))
        if at_fault:
            raise error

    async def _again(self, error: ProviderError) -> None:
        """Note an attempt that was charged and failed, where the same arm is to be asked again."""
        if self._tab.unlogged:
            await done(self._note(error, last=False))

    def _note(self, error: ProviderError, *, last: bool) -> Future[None]:
        outcome = failed(self._engine, self._decision, error)
        return self._record(self._tab.failed(outcome, last=last))

    def _record(self, outcome: Outcome) -> Future[None]:
        return recorded(self._engine, self._durable, outcome)


def recorded(engine: Engine, durable: Future[None] | None, outcome: Outcome) -> Future[None]:
    """An outcome in the log, after its decision and never without it."""
    if durable is not None and engine.record_with(durable, [outcome]):
        return durable
    return after(durable, lambda: engine.record([outcome]))


def _order(decision: Decision) -> Iterator[str]:
    """The decided arm, and after it the others by expected reward."""
    yield decision.arm
    # nearly always it has answered by now, and nobody looks at what was believed of the others
    rewards = {
        name: estimate.reward
        for name, estimate in decision.estimates.items()
        if name not in OWN_ARMS and name != decision.arm
    }
    yield from sorted(rewards, key=lambda name: -rewards[name])


def _choices(decision: Decision) -> int:
    """How many arms `_order` gives."""
    return len((decision.estimates.keys() - OWN_ARMS) | {decision.arm})
