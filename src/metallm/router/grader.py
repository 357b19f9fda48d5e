"""Have a share of the answers graded by an arm, beside the traffic.

An answer is given first and graded afterwards; a grade that does not come is one that is missing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from metallm.core.query import Query
from metallm.errors import MetaLLMError
from metallm.router.answers import Judgement
from metallm.router.waiting import done

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.core.decision import Decision
    from metallm.core.judge_arm import JudgeArm
    from metallm.router.caller import Caller

TASK = "metallm/grading"
"""Name of the task under which a judge's own decisions and bills stand in the log."""

AT_ONCE = 4
"""Answers that are graded at the same time."""

MOST_WAITING = 256
"""Answers that wait to be graded; past it further ones are let go, so that memory is bounded."""


class Grader:
    """Grades answers of one router.

    Args:
        caller: asks the judge.
        judge: who grades, and how many.
        ask: from messages, answer and rubric to the judge's prompt.
        read: from the judge's reply to a quality, 0 to 1; None where it gives none.
    """

    def __init__(
        self,
        caller: Caller,
        judge: JudgeArm,
        ask: Callable[[Sequence[Mapping[str, object]], str, str], str],
        read: Callable[[str], float | None],
    ) -> None:
        self._caller = caller
        self.judge = judge
        self._ask = ask
        self._read = read
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()

    def consider(self, query: Query, decision: Decision, text: str) -> None:
        """Have an answer graded, if it is drawn; returns at once.

        Args:
            query: what was asked.
            decision: how the arm was chosen.
            text: the whole answer; one without text is not graded.
        """
        drawn = self._caller.engine.drawn(decision)
        if drawn >= self.judge.share or not text.strip() or query.task == TASK:
            return
        if len(self._running) < MOST_WAITING:
            task = asyncio.get_running_loop().create_task(self._grade(query, decision.id, text))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Wait for what is being graded."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _grade(self, query: Query, decision_id: str, text: str) -> None:
        prompt = self._ask(query.messages, text, self.judge.rubric)
        asked = Query.of(prompt, task=TASK)
        body = {"messages": list(asked.messages), "temperature": 0}
        async with self._gate:
            try:
                reply = await self._caller.answer(asked, body, named=self.judge.arm)
                quality = self._read(reply.text)
                if quality is not None:
                    said = Judgement(decision_id, quality, judge=self.judge.arm)
                    await done(self._caller.engine.submit_feedback(said)[1])
            except MetaLLMError:
                return  # the judge's failure is in the log; the answer stands as it is
