"""Ask a router about many texts at once, and remember what was answered last."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from metallm.core.query import Query
from metallm.errors import MetaLLMError, ProviderError
from metallm.estimators.loops import run
from metallm.router.answers import Judgement
from metallm.router.waiting import done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
    from typing import Any

    from metallm.assembly import Router
    from metallm.estimators.spelling import Spelling

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asked:
    """One text's answer.

    Args:
        label: one of the labels: the best one by then where an arm's answer named none.
        chances: how likely each class is, in their order.
        decision_id: what feedback refers to.
    """

    label: str
    chances: tuple[float, ...]
    decision_id: str


class Asker:
    """Asks, and counts what that costs. Safe to use from several threads, one at a time.

    Answers to the texts of the last call are remembered until something is learned: whoever wants
    labels and then probabilities of the same texts pays once, and a call that failed midway can be
    repeated for the rest.

    Args:
        router: decides, calls and learns.
        spelling: what is asked.
        max_calls: arms that may be asked about one text.
        concurrency: texts that are asked about at once.
        shared: whether the router's provider is somebody else's to close.

    Attributes:
        router: as given.
        cost_usd: USD so far; NaN once a bill could not be known.
        decision_ids: of the texts that were asked about last.
    """

    def __init__(
        self,
        router: Router,
        spelling: Spelling,
        *,
        max_calls: int,
        concurrency: int,
        shared: bool,
    ) -> None:
        self.router = router
        self.cost_usd = 0.0
        self.decision_ids: tuple[str, ...] = ()
        self._spelling = spelling
        self._form = spelling.form()
        self._max_calls = max_calls
        self._concurrency = concurrency
        self._shared = shared
        self._last: dict[str, Asked] = {}
        self._lock = Lock()

    def ask(self, texts: Sequence[str]) -> list[Asked]:
        """Answers to texts, the same text once.

        Raises:
            MetaLLMError: a text got no answer; what others got is remembered.
        """
        with self._lock:
            known = self._last
            self._last = {text: known[text] for text in texts if text in known}
            new = [text for text in dict.fromkeys(texts) if text not in known]
            try:
                self._run(self._each(new, self._classify))
            except MetaLLMError as error:
                error.add_note(
                    f"{len(self._last)} of {len(set(texts))} texts have an answer, which is kept: "
                    "the same call again asks about the others alone"
                )
                raise
            found = [self._last[text] for text in texts]
            self.decision_ids = tuple(each.decision_id for each in found)
        return found

    def ask_every_arm(self, texts: Sequence[str], truth: Sequence[str]) -> None:
        """Learn of each arm what it answers to texts whose label is known.

        An arm that fails on some of them is judged by the others.

        Raises:
            ProviderError: an arm failed on all of them.
        """
        failed: dict[str, list[ProviderError]] = {name: [] for name in self.router.arms}

        async def ask(pair: tuple[int, str]) -> None:
            row, arm = pair
            try:
                await self._judge(texts[row], truth[row], arm)
            except ProviderError as error:
                failed[arm].append(error)

        with self._lock:
            self._last = {}
            pairs = [(row, arm) for row in range(len(texts)) for arm in self.router.arms]
            self._run(self._each(pairs, ask))
        for errors in failed.values():
            if errors and len(errors) == len(texts):
                raise errors[0]

    def forget(self) -> None:
        """Let go of the last answers: what was learned since may change them."""
        with self._lock:
            self._last = {}

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return run(self._closing(work))

    async def _closing(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The work; connections belong to the loop that ends with it."""
        try:
            return await work
        finally:
            if not self._shared:
                await self.router.caller.close()

    async def _each(self, items: Sequence[_T], act: Callable[[_T], Awaitable[None]]) -> None:
        """Act on all items, some at once; after an error only what is under way is finished."""
        waiting, failed = iter(items), list[MetaLLMError]()
        workers = min(self._concurrency, len(items))
        await asyncio.gather(*(_worker(waiting, act, failed) for _ in range(workers)))
        if failed:
            raise failed[0]

    async def _classify(self, text: str) -> None:
        known = self._spelling
        found = await self.router.classify(
            text, known.asked, task=known.task, max_calls=self._max_calls
        )
        self._bill(found.cost_usd)
        likely = found.probabilities
        label = found.label or self.router.scoring.best(known.task, likely)
        chances = tuple(likely[each] for each in known.names)
        self._last[text] = Asked(label, chances, found.decision_id)

    async def _judge(self, text: str, truth: str, arm: str) -> None:
        query = Query.of(self._form.messages(text), task=self._spelling.task, text=text)
        answer = await self.router.caller.answer(
            query,
            {"messages": list(query.messages)},
            named=arm,
            labels=self._form.labels,
            read=self._form.read,
        )
        self._bill(answer.cost_usd)
        judgement = Judgement(answer.decision_id, label=truth)
        await done(self.router.submit_feedback(judgement)[1])

    def _bill(self, cost_usd: float | None) -> None:
        self.cost_usd += math.nan if cost_usd is None else cost_usd


async def _worker(
    waiting: Iterable[_T], act: Callable[[_T], Awaitable[None]], failed: list[MetaLLMError]
) -> None:
    for item in waiting:
        if failed:
            return
        try:
            await act(item)
        except MetaLLMError as error:
            failed.append(error)
