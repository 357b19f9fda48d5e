"""A provider under a hard budget: every attempt is reserved before it is made, and settled after.

The law: as long as hosts keep to the bounds (`bounds`), what was spent and what is set aside never
pass the budget, whatever answers cost, in whatever order they come, and however calls fail.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import AsyncGeneratorType
from typing import TYPE_CHECKING

import aiohttp

from metallm.core.ledger import nano_usd
from metallm.errors import (
    BudgetExhaustedError,
    ConfigurationError,
    MetaLLMError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
)
from metallm.providers.bounds import unbounded
from metallm.providers.retry import AttemptError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Completion, StreamEvent
    from metallm.core.ledger import Reservation
    from metallm.core.price import Price, Usage
    from metallm.core.protocols import Books, Provider
    from metallm.providers.bounds import Bound, Bounds
    from metallm.providers.retry import Retry


class BudgetedProvider:
    """Makes no call that the budget does not cover. For one event loop.

    Where less is left than a call can cost, it waits as long as other calls are in flight, for
    most cost less than their bound; then it raises. What a call cost is what its usage says, at the
    arm's price. A call whose bill nobody knows counts in full: one without usage, one that failed
    at the host or broke off, one that was cancelled. Refusals (429, keys, 4xx) and hosts that were
    never reached cost nothing.

    Args:
        inner: makes the calls, one attempt each: give an `HttpProvider` max_retries=0.
        books: the budget.
        bounds: what calls can cost at most.
        retry: how attempts at whole answers are repeated.
        tell: is told, in words, of a bill that passed its bound.
    """

    def __init__(
        self,
        inner: Provider,
        books: Books,
        bounds: Bounds,
        retry: Retry,
        tell: Callable[[str], None],
    ) -> None:
        self._inner = inner
        self._books = books
        self._bounds = bounds
        self._retry = retry
        self._tell = tell
        self._flying = 0
        self._freed = asyncio.Event()

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """One whole answer.

        Raises:
            BudgetExhaustedError: the budget does not cover the next attempt; it was not made.
            ConfigurationError: an arm whose calls have no bound.
            ProviderError: as the inner provider's, after the retries that make sense.
        """
        request = self._bounds.limited(arm, request)

        async def attempt() -> Completion:
            call = await self._open(arm, request)
            try:
                answer = await self._inner.complete(arm, request)
            except BaseException as error:
                self._failed(call, error)
                if isinstance(error, ProviderError):
                    raise attempted(error) from error.__cause__
                raise
            self._answered(call, answer.usage)
            return answer

        return await self._retry.run(attempt, request.before_again)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """The events of one streamed answer, in one attempt. Raises as `complete`."""
        request = self._bounds.limited(arm, request)
        call = await self._open(arm, request)
        usage: Usage | None = None
        events = self._inner.stream(arm, request)
        try:
            async for event in events:
                usage = event.usage or usage
                yield event
        except BaseException as error:
            self._failed(call, error)
            raise
        finally:
            if isinstance(events, AsyncGeneratorType):
                await events.aclose()
        self._answered(call, usage)

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """Why arms cannot take a request, as the inner provider tells."""
        return self._inner.obstacles(arms, request, stream=stream, input_tokens=input_tokens)

    async def close(self) -> None:
        """Let go of connections."""
        await self._inner.close()

    async def _open(self, arm: Arm, request: ChatRequest) -> _Call:
        """Set aside what an attempt can cost, once that is there."""
        price, bound = _price(arm), self._bounds.bound(arm, request)
        while True:
            try:
                made = self._books.reserve(bound.nano_usd(price), arm.name)
            except BudgetExhaustedError:
                if not self._flying:
                    raise
                self._freed.clear()
                await self._freed.wait()
            else:
                self._flying += 1
                return _Call(arm.name, price, bound, made)

    def _answered(self, call: _Call, usage: Usage | None) -> None:
        if usage is None or usage.estimated:
            self._close(call, call.made.amount)
            return
        self._close(call, nano_usd(call.price.cost_usd(usage)))
        if self._bounds.learn(call.arm, call.bound, usage):
            self._tell(
                f"arm {call.arm!r} billed {usage.input_tokens} input and {usage.output_tokens} "
                f"output tokens, where {call.bound.input_tokens} and {call.bound.output_tokens} "
                "were allowed for; its further calls are allowed more"
            )

    def _failed(self, call: _Call, error: BaseException) -> None:
        self._close(call, 0 if costs_nothing(error) else call.made.amount)

    def _close(self, call: _Call, actual: int) -> None:
        if actual:
            self._books.settle(call.made, actual)
        else:
            self._books.release(call.made)
        self._flying -= 1
        self._freed.set()


@dataclass(frozen=True, slots=True)
class _Call:
    """One attempt that is under way.

    Args:
        arm: who is asked.
        price: the arm's.
        bound: the most tokens that were allowed for.
        made: what is set aside for them.
    """

    arm: str
    price: Price
    bound: Bound
    made: Reservation


def _price(arm: Arm) -> Price:
    why, price = unbounded(arm), arm.list_price
    if why is not None or price is None:
        raise ConfigurationError(f"arm {arm.name!r} cannot be held to a budget: {why}")
    return price


def costs_nothing(error: BaseException) -> bool:
    """Whether a call that failed was surely not billed."""
    if isinstance(error, ProviderError):
        refused = (ProviderAuthError, ProviderRateLimitError, ProviderRejectedError)
        return isinstance(error, refused) or _never_reached(error)
    # what we raise ourselves is raised before anything is sent; a cancelled call was under way
    return isinstance(error, MetaLLMError)


def _never_reached(error: ProviderError) -> bool:
    unconnected = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return isinstance(error.__cause__, unconnected)


def attempted(error: ProviderError) -> AttemptError:
    """The failed attempt, with whether another makes sense: as for `HttpProvider`."""
    failed_at_host = error.status in {408, 409} or (error.status or 0) >= 500
    late = isinstance(error.__cause__, TimeoutError)
    broken = isinstance(error.__cause__, aiohttp.ClientError | OSError) and not late
    limited = isinstance(error, ProviderRateLimitError)
    return AttemptError(
        error,
        again=failed_at_host or broken or limited or _never_reached(error),
        retry_after_s=getattr(error, "retry_after_s", None),
    )
