"""Decide, call the arm, fall back to the next where it fails, and log what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from metallm.core.classes import OWN_ARMS
from metallm.core.completion import ChatRequest
from metallm.core.protocols import CountsTokens
from metallm.errors import (
    AllArmsFailedError,
    MetaLLMError,
    ProviderError,
    ProviderRejectedError,
    UnfitArmError,
)
from metallm.router.answers import Answer
from metallm.router.billing import completed, failed, guessed_usage
from metallm.router.checks import eligible_arms
from metallm.router.conversations import Conversations, discount
from metallm.router.streamed import Streamed
from metallm.router.tab import Tab
from metallm.router.waiting import after, done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import Any

    from metallm.core.completion import Completion, StreamEvent
    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.core.protocols import Payer, Provider
    from metallm.core.query import Query
    from metallm.router.engine import Engine
    from metallm.router.grader import Grader

_T = TypeVar("_T")

_QUERY_AT_FAULT = frozenset({400, 413, 422})
"""Refusals that every arm would repeat; any other sends the query on to the next arm."""


class Caller:
    """Routes queries to arms and back.

    Args:
        engine: decides and learns.
        provider: calls arms.
        conversations: which arm has read what; None remembers it for as long as prices count.
        payer: who pays for the calls; None where nobody keeps count of it.

    Attributes:
        grader: has a share of the answers graded; None for nobody.
    """

    def __init__(
        self,
        engine: Engine,
        provider: Provider,
        conversations: Conversations | None = None,
        payer: Payer | None = None,
    ) -> None:
        self.engine = engine
        self.grader: Grader | None = None
        self.conversations = conversations or Conversations()
        self._provider = provider
        self._payer = payer
        self._log_writes = False  # until the first decision shows that it does

    def paid_by(self, payer: Payer) -> Caller:
        """A caller like this one, for one request. Grading its answer is paid for as before."""
        made = Caller(self.engine, self._provider, self.conversations, payer)
        made.grader = self.grader
        return made

    async def answer(
        self,
        query: Query,
        body: Mapping[str, Any] | ChatRequest,
        *,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        named: str | None = None,
        labels: tuple[str, ...] = (),
        read: Callable[[str], str | None] | None = None,
        session: str | None = None,
    ) -> Answer:
        """One whole answer. Decision and outcome are durable when it returns.

        Args:
            query: what is routed on.
            body: what is sent upstream, in OpenAI's shape; the model is filled in. A whole request
                where the caller speaks another wire.
            arms: names of the arms that may be chosen; None for all. Of these, those that cannot
                take the query are passed over.
            cost_weight: p for this query alone.
            named: the arm that the caller asked for; then nothing falls back.
            labels: the labels that are asked about.
            read: reads the label from an answer.
            session: names the conversation that the query goes on with; None knows it by what was
                said before.

        Raises:
            ProviderError: the named arm failed, the query was refused, or every arm failed.
            UnfitArmError: no arm that may be chosen can take the query.
            MetaLLMError: as `Engine.decide_queries`.
        """
        request = self._request(body)
        takers = self._takers(query, request, arms, named, stream=False)
        decision, durable = self._decided(query, takers, cost_weight, named, labels, session)
        answer = await self.ask(decision, request, read, durable=durable)
        self.conversations.remember(query, session, answer.arm, answer.text, self.engine.now())
        if self.grader is not None and not labels:
            self.grader.consider(query, decision, answer.text)
        return answer

    async def ask(
        self,
        decision: Decision,
        body: Mapping[str, Any] | ChatRequest,
        read: Callable[[str], str | None] | None = None,
        *,
        durable: Future[None] | None = None,
    ) -> Answer:
        """The decided arm's answer, or that of the next; its outcome is durable on return.

        The disk is synced while the arm answers, for only what leaves us has to wait for both. Two
        things wait first: what is charged to somebody, so that a crash in between forgets no money,
        and the next decision after one that could not be written, so that no arm is asked for what
        nobody will know of.

        Args:
            decision: in the log, or on its way there.
            body: what is sent upstream, as for `answer`.
            read: reads the label from an answer.
            durable: resolves once the decision is in the log; None where it is.

        Raises:
            ProviderError: as for `answer`.
        """
        request = self._request(body)

        async def call(arm: str) -> Completion:
            return await self._provider.complete(self.engine.arms[arm], request)

        if durable is not None:
            await self._written(durable)
        tab = Tab(self._payer)
        arm, completion = await self._first_that_answers(decision, call, tab, durable)
        usage = completion.usage or guessed_usage(decision, completion.text)
        label = None if read is None else read(completion.text)
        outcome = completed(
            self.engine, decision, arm, usage, latency_s=completion.latency_s, answer=label
        )
        await done(self._recorded(durable, tab.completed(outcome)))
        return Answer(
            decision,
            arm,
            completion.text,
            outcome.cost_usd,
            outcome.cost_estimated,
            completion.latency_s,
            completion.raw,
            label,
            completion.usage,
            completion.wire,
        )

    async def stream(
        self,
        query: Query,
        body: Mapping[str, Any] | ChatRequest,
        *,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        named: str | None = None,
        session: str | None = None,
    ) -> Streamed:
        """A streamed answer whose first event has come. Options and errors as for `answer`.

        Another arm is tried only as long as nothing was sent.
        """
        request = self._request(body)
        takers = self._takers(query, request, arms, named, stream=True)
        decision, durable = self._decided(query, takers, cost_weight, named, (), session)
        await self._written(durable)

        async def call(arm: str) -> tuple[StreamEvent, AsyncIterator[StreamEvent], float]:
            started = self.engine.now()
            events = self._provider.stream(self.engine.arms[arm], request)
            try:
                first = await anext(events)
            except StopAsyncIteration:
                raise ProviderError(arm, "the stream ended before its first event") from None
            waited_s = max(self.engine.now() - started, 0.0)
            # its id must not reach anybody before it is in the log
            await _or_close(done(durable), events)
            return first, events, waited_s

        tab = Tab(self._payer)
        arm, (first, rest, waited_s) = await self._first_that_answers(decision, call, tab, durable)
        grader = self.grader

        def finished(text: str) -> None:
            self.conversations.remember(query, session, arm, text, self.engine.now())
            if grader is not None:
                grader.consider(query, decision, text)

        return Streamed(self.engine, decision, arm, first, rest, waited_s, finished, tab)

    async def count_tokens(self, arm: str, request: ChatRequest) -> int | None:
        """A request's tokens by the arm's own count; None where it has none.

        Raises:
            ProviderError: the arm could not be asked.
        """
        if not isinstance(self._provider, CountsTokens):
            return None
        return await self._provider.count_tokens(self.engine.arms[arm], request)

    async def close(self) -> None:
        """Let go of connections, once what is being graded is. The engine is its owner's."""
        if self.grader is not None:
            await self.grader.close()
        await self._provider.close()

    def _takers(
        self,
        query: Query,
        request: ChatRequest,
        arms: Sequence[str] | None,
        named: str | None,
        *,
        stream: bool,
    ) -> Sequence[str] | None:
        """Names of the arms that may be chosen and can take the query; None for all."""
        names = eligible_arms(arms if named is None else [named], self.engine.arms)
        obstacles = self._provider.obstacles(
            [self.engine.arms[name] for name in names],
            request,
            stream=stream,
            input_tokens=query.input_tokens,
        )
        if not obstacles:
            return arms
        takers = [name for name in names if name not in obstacles]
        if not takers:
            raise UnfitArmError(obstacles)
        return takers

    def _request(self, body: Mapping[str, Any] | ChatRequest) -> ChatRequest:
        request = body if isinstance(body, ChatRequest) else ChatRequest(body)
        return request if request.payer is self._payer else replace(request, payer=self._payer)

    def _decided(
        self,
        query: Query,
        arms: Sequence[str] | None,
        cost_weight: float | None,
        named: str | None,
        labels: tuple[str, ...],
        session: str | None,
    ) -> tuple[Decision, Future[None]]:
        """The decision, and a future that resolves once it is in the log."""
        discounts = None
        known = None if named else self.conversations.known(query, session, self.engine.now())
        if known is not None:
            eligible = eligible_arms(arms, self.engine.arms)
            if self.conversations.affinity == "sticky" and known.arm in eligible:
                arms = [known.arm]
            discounts = {known.arm: discount(known, query, self.engine.arms)}
        decisions, durable = self.engine.decide_queries(
            [query],
            arms=arms,
            cost_weight=cost_weight,
            named=named,
            labels=labels,
            discounts=discounts,
        )
        return decisions[0], durable

    async def _first_that_answers(
        self,
        decision: Decision,
        call: Callable[[str], Awaitable[_T]],
        tab: Tab,
        durable: Future[None] | None,
    ) -> tuple[str, _T]:
        """The decided arm's answer, or else that of the next by expected reward."""
        failures: list[ProviderError] = []
        for arm in _order(decision):
            try:
                return arm, await call(arm)
            except asyncio.CancelledError:
                gone = ProviderError(arm, "the caller went away before the answer came")
                self._record_failed(decision, gone, tab, durable, last=True)
                raise
            except ProviderError as error:
                failures.append(error)
                at_fault = (
                    isinstance(error, ProviderRejectedError) and error.status in _QUERY_AT_FAULT
                )
                last = at_fault or len(failures) == _choices(decision)
                await done(self._record_failed(decision, error, tab, durable, last=last))
                if at_fault:
                    raise
            except MetaLLMError as error:
                if tab.kept:  # nothing is held for it any more, and the log has to know
                    told = ProviderError(arm, str(error))
                    await done(self._record_failed(decision, told, tab, durable, last=True))
                raise
        if all(isinstance(error, ProviderRejectedError) for error in failures):
            # all refuse it, so the query is at fault after all: the last refusal says why
            raise failures[-1]
        if len(failures) == 1:
            raise failures[0]
        raise AllArmsFailedError(failures)

    def _record_failed(
        self,
        decision: Decision,
        error: ProviderError,
        tab: Tab,
        durable: Future[None] | None,
        *,
        last: bool,
    ) -> Future[None]:
        outcome = failed(self.engine, decision, error)
        return self._recorded(durable, tab.failed(outcome, last=last))

    async def _written(self, durable: Future[None]) -> None:
        """Wait for a decision that must be in the log before an arm is asked."""
        durable.add_done_callback(self._note_log)
        if self._payer is not None or not self._log_writes:
            await done(durable)

    def _note_log(self, durable: Future[None]) -> None:
        self._log_writes = durable.exception() is None

    def _recorded(self, durable: Future[None] | None, outcome: Outcome) -> Future[None]:
        """An outcome in the log, after its decision and never without it."""
        return after(durable, lambda: self.engine.record([outcome]))


async def _or_close(waiting: Awaitable[None], events: AsyncIterator[StreamEvent]) -> None:
    """Wait; where that fails or is given up, the stream is let go of."""
    try:
        await waiting
    except BaseException:
        closing = getattr(events, "aclose", None)
        if closing is not None:
            await closing()
        raise


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
