"""Calls of which a slow one gets company: the first to answer wins, the other is given up.

The decision, and its propensity, are those of the arm that was drawn: it was asked first. What a
hedge answers is its own arm's, and is learned as such, as after a fallback. That it came to be
asked hung on how slow the drawn arm was, so that no propensity belongs to it: estimates from the
log that weigh by propensities have to leave out decisions whose answer is another arm's. What was
given up says nothing of quality, only that it would have taken longer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic

from metallm.core.protocols import PaysBeside
from metallm.errors import MetaLLMError, ProviderError
from metallm.router.answers import Overtaken
from metallm.router.attempts import Attempts, T
from metallm.router.billing import overtaken
from metallm.router.waits import Waits
from metallm.wire.acting import acts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from typing import Any

    from metallm.core.completion import ChatRequest
    from metallm.core.decision import Decision
    from metallm.core.hedge import Hedge
    from metallm.core.price import Usage
    from metallm.router.engine import Engine


class Hedging:
    """When calls of one router get company.

    Args:
        hedge: as it was set up.
        sleep: waits for some seconds.

    Attributes:
        waits: how long arms took lately.
    """

    def __init__(self, hedge: Hedge, sleep: Callable[[float], Awaitable[object]]) -> None:
        self.hedge = hedge
        self.sleep = sleep
        self.waits = Waits()

    def delay_s(self, arm: str, *, stream: bool) -> float | None:
        """Seconds after which a call of an arm is late; None where that cannot be told."""
        share = self.hedge.quantile
        if share is None:
            return self.hedge.seconds(arm)
        return self.waits.quantile(arm, share, stream=stream)

    def fits(self, request: ChatRequest) -> bool:
        """Whether a request may be sent twice: not where a host would do something twice."""
        return not acts(request.body if request.native is None else request.native.body)


@dataclass(frozen=True, slots=True)
class _Run(Generic[T]):
    """One call under way.

    Args:
        arm: who is asked.
        task: its answer.
        since: when it was made, POSIX seconds.
        hedge: whether it was made beside another.
    """

    arm: str
    task: asyncio.Task[T]
    since: float
    hedge: bool


class HedgedAttempts(Attempts[T]):
    """As `Attempts`, with at most one call more beside one that is late.

    Args:
        engine, decision, request, call, tab, durable: as for `Attempts`.
        hedging: when a call is late.
        takers: of some arms, those that can be asked now.
        let_go: gives up an answer that nobody needs, and tells its usage where that is known.
        given_up: is told of an arm whose late call was given up; None for nobody.
        stream: whether a stream's first event is waited for, or a whole answer.
    """

    def __init__(
        self,
        engine: Engine,
        decision: Decision,
        *parts: Any,
        hedging: Hedging,
        takers: Callable[[Sequence[str]], Sequence[str]],
        let_go: Callable[[T], Awaitable[Usage | None]],
        given_up: Callable[[str], None] | None,
        stream: bool,
    ) -> None:
        super().__init__(engine, decision, *parts)
        self._hedging = hedging
        self._takers = takers
        self._let_go = let_go
        self._given_up = given_up
        self._stream = stream
        self._hedged = False
        self._unmade: tuple[str, MetaLLMError] | None = None

    async def _tried(self, arm: str) -> tuple[str, T] | None:
        running = [self._start(arm, self._request)]
        try:
            if await self._is_late(running[0]):
                running += self._company(arm)
            return await self._won(running)
        except asyncio.CancelledError:
            await _stop(running)
            for run in running:
                self._gone(run.arm)
            raise

    def _start(self, arm: str, request: ChatRequest, *, hedge: bool = False) -> _Run[T]:
        task = asyncio.ensure_future(self._call(arm, request))
        return _Run(arm, task, self._engine.now(), hedge)

    async def _is_late(self, run: _Run[T]) -> bool:
        """Whether a call has not come back when it is late."""
        delay_s = self._hedging.delay_s(run.arm, stream=self._stream)
        if self._hedged or delay_s is None:
            return False
        late = asyncio.ensure_future(self._hedging.sleep(delay_s))
        try:
            await asyncio.wait((run.task, late), return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
        return not run.task.done()

    def _company(self, arm: str) -> list[_Run[T]]:
        """The other call, where somebody can be asked and it is paid for."""
        other = self._other(arm)
        if other is None:
            return []
        request, payer = self._request, self._request.payer
        if payer is not None:
            beside = self._beside()
            if beside is None:
                return []
            request = replace(request, payer=beside)
        self._hedged = True
        if other != arm:
            self._asked += 1
            self._order = iter([each for each in self._order if each != other])
        return [self._start(other, request, hedge=True)]

    def _other(self, arm: str) -> str | None:
        """Who is asked as well; the order of the others stays as it is."""
        left = list(self._order)
        self._order = iter(left)
        wanted = [arm] if self._hedging.hedge.to == "same" else left
        options = (self._engine.arms[each].options for each in wanted)
        fit = [each for each, given in zip(wanted, options, strict=True) if not acts(given)]
        return next(iter(self._takers(fit)), None) if fit else None

    def _beside(self) -> Any:
        payer = self._request.payer
        if not isinstance(payer, PaysBeside):
            return None
        return payer.beside(self._decision.input_tokens)

    async def _won(self, running: list[_Run[T]]) -> tuple[str, T] | None:
        """The answer of whoever is first; None where all failed.

        Args:
            running: the calls under way; what has come back is taken out of it.
        """
        while running:
            await asyncio.wait([run.task for run in running], return_when=asyncio.FIRST_COMPLETED)
            for run in [each for each in running if each.task.done()]:
                error = run.task.exception()
                running.remove(run)
                if error is None:
                    self._took(run)
                    await self._overtake(running)
                    return run.arm, run.task.result()
                try:
                    await self._fell(run, error, alone=not running)
                except BaseException:
                    await self._overtake(running, last=True)
                    raise
        if self._unmade is not None:
            await self._failed(*self._unmade)
        return None

    async def _fell(self, run: _Run[T], error: BaseException, *, alone: bool) -> None:
        """Note a failure; a call that could not be made, for a budget, say, spoils no other."""
        if not isinstance(error, MetaLLMError):
            raise error
        if isinstance(error, ProviderError) or (alone and not run.hedge):
            await self._failed(run.arm, error, alone=alone)
        elif not run.hedge:
            self._unmade = run.arm, error

    async def _overtake(self, running: list[_Run[T]], *, last: bool = False) -> None:
        """Give up what is under way still, and log what it may have cost.

        Args:
            running: the calls; taken out of it.
            last: whether nothing more is logged of the decision.
        """
        if not running and isinstance(self._request.payer, PaysBeside):
            self._request.payer.alone()
        await _stop(running)
        while running:
            run = running.pop()
            usage = None
            if not run.task.cancelled() and run.task.exception() is None:
                usage = await self._let_go(run.task.result())
            elif run.task.cancelled() and not (run.hedge or last) and self._given_up is not None:
                self._given_up(run.arm)
            waited_s = self._took(run)
            outcome = overtaken(self._engine, self._decision, run.arm, usage, waited_s)
            self._record(self._tab.overtaken(outcome, last=last))
            self.overtaken = Overtaken(run.arm, run.hedge, outcome.cost_usd)

    def _took(self, run: _Run[T]) -> float:
        """Note how long a call took, or how long it was waited for."""
        waited_s = max(self._engine.now() - run.since, 0.0)
        self._hedging.waits.add(run.arm, waited_s, stream=self._stream)
        return waited_s


async def _stop(running: Iterable[_Run[T]]) -> None:
    """Cancel calls, and return once their connections are closed."""
    tasks = [run.task for run in running]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
