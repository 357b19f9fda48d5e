"""A door that asks one arm prompts as they were recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from metallm.cli.doors import Answered, RowFailedError
from metallm.errors import InputError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.assembly import Router
    from metallm.evaluation.prompts import Prompt


class QuizDoor:
    """One arm of a router in this process; nothing falls back to another.

    Args:
        router: logs and learns; its owner closes it.
        arm: name of the arm.
        prompts: by the text that is embedded.
    """

    def __init__(self, router: Router, arm: str, prompts: Mapping[str, Prompt]) -> None:
        self._router = router
        self._arm = arm
        self._prompts = prompts

    async def ask(self, text: str) -> Answered:
        """Send the prompt of a text; the decision is in the log as one with the arm named."""
        from metallm.core.query import Query

        prompt = self._prompts[text]
        read = prompt.reader()
        messages = [{"role": "user", "content": prompt.sent}]
        query = Query.of(messages, task=prompt.task, text=prompt.text)
        try:
            answer = await self._router.caller.answer(
                query, {"messages": messages}, named=self._arm, labels=prompt.labels, read=read
            )
        except (ProviderError, InputError) as error:
            raise RowFailedError(str(error)) from error
        return Answered(read(answer.text), answer.arm, answer.cost_usd, answer.decision_id)

    async def judge(self, decision_id: str, label: str) -> None:
        """Tell the right answer; returns once it is learned."""
        from metallm.router.answers import Judgement

        _, done = self._router.submit_feedback(Judgement(decision_id, label=label))
        await asyncio.wrap_future(done)

    async def close(self) -> None:
        """Let go of connections. The router and its log are their owner's to close."""
        await self._router.caller.close()
