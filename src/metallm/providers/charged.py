"""Calls that somebody pays for: charged to the request's payer, attempt by attempt."""

from __future__ import annotations

from types import AsyncGeneratorType
from typing import TYPE_CHECKING

from metallm.core.protocols import CountsTokens
from metallm.errors import ProviderError
from metallm.providers.budgeted import BudgetedProvider, attempted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Completion, StreamEvent
    from metallm.core.price import Usage
    from metallm.core.protocols import Payer, Provider
    from metallm.providers.bounds import Bounds
    from metallm.providers.retry import Retry


class ChargedProvider:
    """Tells payers what was used, and makes no attempt that a payer's budget does not cover.

    A request without a payer goes as it always did.

    Args:
        plain: makes calls with the retries that make sense.
        single: makes them without any: under a budget each attempt is reserved by itself.
        bounds: what calls can cost at most.
        retry: how attempts under a budget are repeated.
        tell: is told, in words, of a bill that passed its bound.
    """

    def __init__(
        self,
        plain: Provider,
        single: Provider,
        bounds: Bounds,
        retry: Retry,
        tell: Callable[[str], None],
    ) -> None:
        self._plain = plain
        self._single = single
        self._bounds = bounds
        self._retry = retry
        self._tell = tell

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """Why arms cannot take a request."""
        return self._plain.obstacles(arms, request, stream=stream, input_tokens=input_tokens)

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """One whole answer.

        Raises:
            BudgetExhaustedError: the budget does not cover the next attempt; it was not made.
            ProviderError: as the inner provider's, after the retries that make sense.
        """
        payer = request.payer
        if payer is None:
            return await self._plain.complete(arm, request)
        inner = self._budgeted(payer) if payer.budgeted else self._plain
        answer = await inner.complete(arm, request)
        payer.used(answer.usage)
        return answer

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """The events of one streamed answer. Raises as `complete`."""
        payer = request.payer
        if payer is None or not payer.budgeted:
            events = self._plain.stream(arm, request)
        else:
            events = self._opened(payer, arm, request)
        usage: Usage | None = None
        begun = False
        try:
            async for event in events:
                usage, begun = event.usage or usage, True
                yield event
        finally:
            if isinstance(events, AsyncGeneratorType):
                await events.aclose()
            if payer is not None and begun:
                payer.used(usage)

    async def count_tokens(self, arm: Arm, request: ChatRequest) -> int | None:
        """As the inner provider counts; None where it does not."""
        if not isinstance(self._plain, CountsTokens):
            return None
        return await self._plain.count_tokens(arm, request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._plain.close()
        await self._single.close()

    def _budgeted(self, payer: Payer) -> BudgetedProvider:
        return BudgetedProvider(self._single, payer, self._bounds, self._retry, self._tell)

    async def _opened(
        self, payer: Payer, arm: Arm, request: ChatRequest
    ) -> AsyncGenerator[StreamEvent, None]:
        """A stream under a budget: what fails before its first event is tried again."""
        budgeted = self._budgeted(payer)

        async def attempt() -> tuple[StreamEvent | None, AsyncIterator[StreamEvent]]:
            events = budgeted.stream(arm, request)
            try:
                return await anext(events, None), events
            except ProviderError as error:
                raise attempted(error) from error.__cause__

        first, rest = await self._retry.run(attempt, request.before_again)
        try:
            if first is not None:
                yield first
            async for event in rest:
                yield event
        finally:
            if isinstance(rest, AsyncGeneratorType):
                await rest.aclose()
