"""Ask every arm every query, some at the same time, and keep each outcome as it comes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metallm.cli.bulk import GIVE_UP_AFTER
from metallm.cli.guard import WorkFailedError
from metallm.core.completion import ChatRequest
from metallm.core.query import CHARACTERS_PER_TOKEN, Query
from metallm.errors import BudgetExhaustedError, InputError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from metallm.cli.collect_scores import Scorer
    from metallm.core.arm import Arm
    from metallm.core.completion import Completion
    from metallm.core.protocols import Provider


@dataclass(frozen=True, slots=True)
class Prompt:
    """One query, as it is sent.

    Args:
        query_id: a digest of what is sent.
        text: the bare question.
        messages: in OpenAI's shape.
        reference: the right answer; None where it is not known.
    """

    query_id: str
    text: str
    messages: tuple[Mapping[str, Any], ...]
    reference: str | None

    @property
    def sent(self) -> str:
        """The last message's text, for the table."""
        return str(self.messages[-1]["content"])

    @property
    def input_tokens(self) -> int:
        """A guess."""
        return Query.of(self.messages, text=self.text).input_tokens


class Collector:
    """Asks arms and scores their answers.

    Args:
        provider: calls arms.
        scorer: says how good answers are.
        body: fields of every request beside the messages.
        answer_format: the `response_format` for arms that are `structured`; None for none.
        dataset: name of the task, "" for none.
        keep: gets every outcome, as it comes.

    Attributes:
        exhausted: what a budget was short of; None where there was none, or it did.
    """

    def __init__(
        self,
        provider: Provider,
        scorer: Scorer,
        *,
        body: Mapping[str, Any],
        answer_format: Mapping[str, Any] | None,
        dataset: str,
        keep: Callable[[dict[str, Any]], None],
    ) -> None:
        self.exhausted: BudgetExhaustedError | None = None
        self._provider = provider
        self._scorer = scorer
        self._body = body
        self._format = answer_format
        self._dataset = dataset
        self._keep = keep
        self._streak = 0

    async def run(self, pairs: Sequence[tuple[Prompt, Arm]], concurrency: int) -> None:
        """Ask for these, in order. A budget that does not cover the next call ends it.

        Raises:
            WorkFailedError: too many failed one after the other.
        """
        waiting = iter(pairs)
        workers = [
            asyncio.create_task(self._work(waiting)) for _ in range(min(concurrency, len(pairs)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, waiting: Iterator[tuple[Prompt, Arm]]) -> None:
        for prompt, arm in waiting:
            try:
                outcome = await self._outcome(prompt, arm)
            except BudgetExhaustedError as short:
                self.exhausted = short
                return
            self._keep(outcome)
            self._note(outcome.get("error"))
            if self.exhausted is not None:
                return

    def _note(self, error: str | None) -> None:
        self._streak = 0 if error is None else self._streak + 1
        if self._streak >= GIVE_UP_AFTER:
            raise WorkFailedError(
                f"{self._streak} calls failed one after the other, the last with: {error}"
            )

    async def _outcome(self, prompt: Prompt, arm: Arm) -> dict[str, Any]:
        """What one arm answered to one query."""
        known: dict[str, Any] = {
            "query_id": prompt.query_id,
            "dataset": self._dataset or None,
            "query": prompt.sent,
            "question": prompt.text,
            "reference": prompt.reference,
            "model": arm.name,
        }
        request = ChatRequest(
            {**self._body, "messages": list(prompt.messages)}, answer_format=self._format
        )
        try:
            completion = await self._provider.complete(arm, request)
            score = await self._scorer.score(prompt, completion.text)
        except (ProviderError, InputError) as error:
            return {**known, "error": str(error)}
        return {**known, "score": score, **_billed(prompt, arm, completion)}


def _billed(prompt: Prompt, arm: Arm, completion: Completion) -> dict[str, Any]:
    """Answer and bill. Where the provider sent no usage, tokens are guessed and no cost is told."""
    usage, price = completion.usage, arm.list_price
    guessed = round(len(completion.text) / CHARACTERS_PER_TOKEN)
    return {
        "response": completion.text,
        "latency_s": completion.latency_s,
        "input_tokens": prompt.input_tokens if usage is None else usage.input_tokens,
        "output_tokens": guessed if usage is None else usage.output_tokens,
        "cost_usd": price.cost_usd(usage) if usage and price and price.tells(usage) else None,
    }
