"""A streamed answer on its way, and what is logged when it ends, however it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.errors import ProviderError
from metallm.router.billing import completed, guessed_usage, with_beside
from metallm.router.tab import Tab

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from metallm.core.completion import StreamEvent
    from metallm.core.decision import Decision
    from metallm.core.price import Usage
    from metallm.router.answers import Overtaken
    from metallm.router.engine import Engine


class Streamed:
    """One streamed answer; iterate over it once.

    Args:
        engine: logs the outcome.
        decision: how the arm was chosen; durable already.
        arm: the arm that answers.
        first: the first event, which has come already.
        rest: the events after it.
        waited_s: seconds from the request to the first event.
        finished: told the whole text, once it has come and is logged.
        tab: what the decision is charged; None where no budget is held.
        overtaken: the other call of a hedge; None where there was one alone.

    Attributes:
        cost_usd: the bill, once the stream has ended, of an overtaken call too; None where the
            arm's price is unknown.
        cost_estimated: True where the bill is our guess, as in `Answer`.
        text: the answer so far.
    """

    def __init__(
        self,
        engine: Engine,
        decision: Decision,
        arm: str,
        first: StreamEvent,
        rest: AsyncIterator[StreamEvent],
        waited_s: float = 0.0,
        finished: Callable[[str], None] | None = None,
        tab: Tab | None = None,
        overtaken: Overtaken | None = None,
    ) -> None:
        self.decision = decision
        self.arm = arm
        self.cost_usd: float | None = None
        self.cost_estimated = False
        self.waited_s = waited_s
        self.overtaken = overtaken
        self.text = ""
        self._engine = engine
        self._first = first
        self._rest = rest
        self._finished = finished
        self._tab = tab or Tab(None)
        self._usage: Usage | None = None
        self._started = engine.now() - waited_s

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """The events as they come; the outcome is durable before the last one's successor.

        Raises:
            StreamCutError: the upstream broke off; logged as a failure.
        """
        error: str | None = "the caller went away before the end"
        try:
            self._note(self._first)
            yield self._first
            async for event in self._rest:
                self._note(event)
                yield event
            error = None
        except ProviderError as cut:
            error = str(cut)
            raise
        finally:
            # also where the caller went away: what was streamed so far is on the bill
            closing = getattr(self._rest, "aclose", None)
            if closing is not None:
                await closing()
            await self._log(error)
        if self._finished is not None:
            self._finished(self.text)

    def _note(self, event: StreamEvent) -> None:
        self.text += event.text
        if event.usage is not None:
            self._usage = event.usage

    async def _log(self, error: str | None) -> None:
        usage = self._usage
        if usage is None or usage.estimated:
            usage = guessed_usage(self.decision, self.text, usage)
        latency_s = max(self._engine.now() - self._started, 0.0)
        outcome = completed(self._engine, self.decision, self.arm, usage, latency_s=latency_s)
        if error is not None:
            # half an answer: its cost is logged, but nothing is learned from it
            outcome = replace(outcome, kind="failure", error=error)
            outcome = self._tab.failed(outcome, last=True)
        else:
            outcome = self._tab.completed(outcome)
        self.cost_usd = with_beside(outcome.cost_usd, self.overtaken)
        self.cost_estimated = outcome.cost_estimated or self.overtaken is not None
        await asyncio.shield(asyncio.wrap_future(self._engine.record([outcome])))
