"""Decide, call the arm, fall back to the next where it fails, and log what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.core.completion import ChatRequest
from metallm.core.protocols import CountsTokens, Rests
from metallm.errors import ProviderError, UnfitArmError
from metallm.router.answers import Answer
from metallm.router.attempts import Attempts, T, recorded
from metallm.router.billing import completed, guessed_usage, with_beside
from metallm.router.checks import eligible_arms
from metallm.router.conversations import Conversations, discount
from metallm.router.hedged import HedgedAttempts
from metallm.router.streamed import Streamed
from metallm.router.tab import Tab
from metallm.router.waiting import done
from metallm.wire.acting import acts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from concurrent.futures import Future
    from typing import Any

    from metallm.core.classes import Likely
    from metallm.core.completion import Completion, StreamEvent, Token
    from metallm.core.decision import Decision
    from metallm.core.price import Usage
    from metallm.core.protocols import Payer, Provider
    from metallm.core.query import Query
    from metallm.router.engine import Engine
    from metallm.router.grader import Grader
    from metallm.router.hedged import Hedging

    _Begun = tuple[StreamEvent, AsyncIterator[StreamEvent], float]
    """A stream's first event, those after it, and the seconds that it was waited for."""


class Caller:
    """Routes queries to arms and back.

    Args:
        engine: decides and learns.
        provider: calls arms.
        conversations: which arm has read what; None remembers it for as long as prices count.
        payer: who pays for the calls; None where nobody keeps count of it.
        hedging: when a call that is slow gets another beside it; None for never.

    Attributes:
        grader: has a share of the answers graded; None for nobody.
    """

    def __init__(
        self,
        engine: Engine,
        provider: Provider,
        conversations: Conversations | None = None,
        payer: Payer | None = None,
        hedging: Hedging | None = None,
    ) -> None:
        self.engine = engine
        self.grader: Grader | None = None
        self.conversations = conversations or Conversations()
        self._provider = provider
        self._payer = payer
        self._hedging = hedging
        self._log_writes = False  # until the first decision shows that it does

    def paid_by(self, payer: Payer) -> Caller:
        """A caller like this one, for one request. Grading its answer is paid for as before."""
        made = Caller(self.engine, self._provider, self.conversations, payer, self._hedging)
        made.grader = self.grader
        return made

    def hedges(self, request: ChatRequest, *, named: str | None = None) -> bool:
        """Whether a request may be sent to two arms at a time, and both have to be paid for.

        Args:
            request: what is sent.
            named: the arm that the caller asked for: it is asked alone.
        """
        return self._hedging is not None and named is None and self._hedging.fits(request)

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
        min_quality: float | None = None,
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
            min_quality: the least acceptable quality, see `Engine.decide_queries`.

        Raises:
            ProviderError: the named arm failed, the query was refused, or every arm failed.
            UnfitArmError: no arm that may be chosen can take the query.
            MetaLLMError: as `Engine.decide_queries`.
        """
        request = self._request(body)
        takers = self._takers(query, request, arms, named, stream=False)
        decision, durable = self._decided(
            query, takers, cost_weight, named, labels, session, min_quality, patient=True
        )
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
        weigh: Callable[[Sequence[Token], str], Likely] | None = None,
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
            weigh: reads how likely the arm takes labels to be, from its tokens and its label.
            durable: resolves once the decision is in the log; None where it is.

        Raises:
            ProviderError: as for `answer`.
        """
        request = self._request(body)

        async def call(arm: str, request: ChatRequest) -> Completion:
            return await self._provider.complete(self.engine.arms[arm], request)

        async def let_go(completion: Completion) -> Usage | None:
            return completion.usage

        if durable is not None:
            await self._written(durable)
        tab = Tab(self._payer)
        attempts = self._attempts(decision, request, call, tab, durable, let_go, stream=False)
        arm, completion = await attempts.first()
        beside = attempts.overtaken
        usage = completion.usage or guessed_usage(decision, completion.text)
        label = None if read is None else read(completion.text)
        likely: Likely = ()
        if weigh is not None and completion.tokens and label is not None:
            likely = weigh(completion.tokens, label)
        outcome = completed(
            self.engine,
            decision,
            arm,
            usage,
            latency_s=completion.latency_s,
            answer=label,
            likely=likely,
        )
        await done(recorded(self.engine, durable, tab.completed(outcome)))
        return Answer(
            decision,
            arm,
            completion.text,
            with_beside(outcome.cost_usd, beside),
            outcome.cost_estimated or beside is not None,
            completion.latency_s,
            completion.raw,
            label,
            completion.usage,
            completion.wire,
            beside,
            likely,
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
        min_quality: float | None = None,
    ) -> Streamed:
        """A streamed answer whose first event has come. Options and errors as for `answer`.

        Another arm is tried only as long as nothing was sent.
        """
        request = self._request(body)
        takers = self._takers(query, request, arms, named, stream=True)
        decision, durable = self._decided(
            query, takers, cost_weight, named, (), session, min_quality
        )
        await self._written(durable)

        async def call(arm: str, request: ChatRequest) -> _Begun:
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
        attempts = self._attempts(decision, request, call, tab, durable, _close, stream=True)
        arm, (first, rest, waited_s) = await attempts.first()
        grader = self.grader

        def finished(text: str) -> None:
            self.conversations.remember(query, session, arm, text, self.engine.now())
            if grader is not None:
                grader.consider(query, decision, text)

        beside = attempts.overtaken
        return Streamed(self.engine, decision, arm, first, rest, waited_s, finished, tab, beside)

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
        min_quality: float | None,
        *,
        patient: bool = False,
    ) -> tuple[Decision, Future[None]]:
        """The decision, and a future that resolves once it is in the log.

        What is patient is written with its outcome where that comes at once, in one sync of the
        disk, unless it has to be in the log before the arm is asked.
        """
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
            min_quality=min_quality,
            patient=patient and not self._waits,
        )
        return decisions[0], durable

    def _attempts(
        self,
        decision: Decision,
        request: ChatRequest,
        call: Callable[[str, ChatRequest], Awaitable[T]],
        tab: Tab,
        durable: Future[None] | None,
        let_go: Callable[[T], Awaitable[Usage | None]],
        *,
        stream: bool,
    ) -> Attempts[T]:
        """The calls of a decision, hedged where they may be."""
        parts = (self.engine, decision, request, call, tab, durable)
        options = self.engine.arms[decision.arm].options
        named = decision.arm if decision.policy == "named" or acts(options) else None
        if self._hedging is None or not self.hedges(request, named=named):
            return Attempts(*parts)

        rests = self._provider if isinstance(self._provider, Rests) else None

        def takers(names: Sequence[str]) -> Sequence[str]:
            # beside the one that is asked already: where all others are away, nobody is
            arms = [self.engine.arms[name] for name in (decision.arm, *names)]
            tokens = decision.input_tokens
            away = self._provider.obstacles(arms, request, stream=stream, input_tokens=tokens)
            fit = [arm for arm in arms[1:] if arm.name not in away]
            return [arm.name for arm in fit if rests is None or rests.away(arm) is None]

        return HedgedAttempts(
            *parts,
            hedging=self._hedging,
            takers=takers,
            let_go=let_go,
            given_up=None if rests is None else rests.given_up,
            stream=stream,
        )

    async def _written(self, durable: Future[None]) -> None:
        """Wait for a decision that must be in the log before an arm is asked."""
        durable.add_done_callback(self._note_log)
        if self._waits:
            await done(durable)

    @property
    def _waits(self) -> bool:
        """Whether a decision has to be in the log before an arm is asked."""
        return self._payer is not None or not self._log_writes

    def _note_log(self, durable: Future[None]) -> None:
        self._log_writes = durable.exception() is None


async def _or_close(waiting: Awaitable[None], events: AsyncIterator[StreamEvent]) -> None:
    """Wait; where that fails or is given up, the stream is let go of."""
    try:
        await waiting
    except BaseException:
        await _closed(events)
        raise


async def _close(begun: _Begun) -> None:
    """Let go of a stream that nobody reads; what it came to is not known."""
    await _closed(begun[1])


async def _closed(events: AsyncIterator[StreamEvent]) -> None:
    closing = getattr(events, "aclose", None)
    if closing is not None:
        await closing()
