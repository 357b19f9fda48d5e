"""One run of a bulk classification over the rows that have no answer yet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from metallm.cli.console import progress, tell, usd
from metallm.cli.guard import InterruptedWorkError
from metallm.cli.tally import Tally
from metallm.errors import MetaLLMError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from metallm.cli.doors import KnowingDoor
    from metallm.cli.journal import Journal
    from metallm.cli.question import Question
    from metallm.cli.rows import Row
    from metallm.cli.spending import Spending
    from metallm.cli.summary import Found
    from metallm.errors import BudgetExhaustedError
    from metallm.evaluation.answered import Always
    from metallm.settings import Settings


class Asking:
    """Asks for the rows that have no answer yet.

    Args:
        rows: what the job is about.
        journal: holds the answers of earlier runs, and gets those of this one.
        books: the budget; None for none.

    Attributes:
        tally: of all rows that have an answer, those of earlier runs too.
        exhausted: what the budget was short of; None where it did.
    """

    def __init__(self, rows: Sequence[Row], journal: Journal, books: Spending | None) -> None:
        self.tally = Tally()
        self.exhausted: BudgetExhaustedError | None = None
        self._always: Sequence[Always] = ()
        self._rows = rows
        self._journal = journal
        self._books = books
        self._left = []
        for row in rows:
            answer = journal.answers.get(row.number)
            if answer is None or answer.get("error") is not None:
                self._left.append(row)
            else:
                self.tally.add(judged(answer, row.truth))
        self._before = len(rows) - len(self._left)

    @property
    def total(self) -> int:
        """Rows of the job."""
        return len(self._rows)

    @property
    def left(self) -> int:
        """Rows that were not asked."""
        tally = self.tally
        return self.total - tally.whole.rows - tally.failed - tally.empty - tally.examples

    @property
    def complete(self) -> bool:
        """Whether every row that has a text has an answer."""
        return not (self.left or self.tally.failed)

    def run(self, make: Callable[[], KnowingDoor], concurrency: int, *, compare: bool) -> None:
        """Ask, unless nothing is left to ask.

        Args:
            make: the door, in an event loop.
            concurrency: how many rows are asked at the same time.
            compare: what single models would have come to is wanted also where nothing is left.
        """
        import asyncio

        if self._books is not None and self._books.before:
            tell(
                f"{usd(self._books.spent_usd)} of the budget of {usd(self._books.budget_usd)} were "
                f"spent by earlier runs ({self._books.path})"
            )
        if not self._left:
            tell(f"all {self.total} rows are answered already in {self._journal.path}")
            if compare:
                asyncio.run(self._compare(make))
            return
        if self._before:
            tell(
                f"{self._before} of {self.total} rows are answered already in {self._journal.path}"
            )
        try:
            asyncio.run(self._ask(make, concurrency))
        except KeyboardInterrupt as error:
            answered = self.tally.whole.rows
            raise InterruptedWorkError(
                f"{answered} of {self.total} rows are in {self._journal.path}; "
                "the same command goes on from there"
            ) from error

    def found(self, question: Question, *, source: str) -> Found:
        """All that is known at the end."""
        from metallm.cli.summary import Found

        return Found(
            question=question,
            rows=self._rows,
            answers=[
                judged(answer, row.truth)
                for row in self._rows
                if (answer := self._journal.answers.get(row.number)) is not None
            ],
            tally=self.tally,
            left=self.left,
            always=self._always,
            spent=None if self._books is None else self._books.plain(),
            source=source,
            out=str(self._journal.out),
        )

    async def _ask(self, make: Callable[[], KnowingDoor], concurrency: int) -> None:
        from metallm.cli.bulk import classify_rows

        door = make()
        started = time.monotonic()
        try:
            with progress("classify") as report:

                def keep(answer: dict[str, Any]) -> None:
                    self._keep(answer)
                    seen = self.total - self.left
                    speed = (seen - self._before) / max(time.monotonic() - started, 1e-3)
                    report(seen, self.total, f"{self._note()}, {speed:.1f} rows/s")

                self.exhausted = await classify_rows(
                    self._left, door, concurrency=concurrency, keep=keep
                )
            await self._look(door)
        finally:
            await door.close()

    async def _compare(self, make: Callable[[], KnowingDoor]) -> None:
        try:
            door = make()
        except StoreError as error:
            tell(f"what single models would have come to cannot be told: {error}")
            return
        try:
            await self._look(door)
        finally:
            await door.close()

    async def _look(self, door: KnowingDoor) -> None:
        """What single models would have come to; nothing where that cannot be told any more."""
        answers = [self._journal.answers.get(row.number, {}) for row in self._rows]
        asked = [each["decision_id"] for each in answers if each.get("decision_id") is not None]
        try:
            self._always = await door.always(asked)
        except MetaLLMError as error:
            tell(f"what single models would have come to cannot be told: {error}")

    def _keep(self, answer: dict[str, Any]) -> None:
        if self._books is not None and "decision_id" in answer:
            self._books.answered(answer["decision_id"])
        self._journal.add(answer)
        self.tally.add(answer)

    def _note(self) -> str:
        if self._books is None:
            return self.tally.note()
        spent = f"{usd(self._books.spent_usd)} of {usd(self._books.budget_usd)} spent"
        return f"{self.tally.note()}, {spent}"


def judged(answer: Mapping[str, Any], truth: str | None) -> Mapping[str, Any]:
    """An answer held against the true label that is known now; an example has nothing to hold."""
    if truth is None or answer.get("example") or answer.get("error") is not None:
        return answer
    return {**answer, "truth": truth, "correct": answer["label"] == truth}


def door_of(
    settings: Settings,
    question: Question,
    gateway: str | None,
    warm: Path | None,
    max_calls: int,
    books: Spending | None,
) -> Callable[[], KnowingDoor]:
    """Makes the door to what answers: in an event loop, for a gateway's needs one.

    Args:
        settings: of the router.
        question: what is asked.
        gateway: its URL; None routes in this process.
        warm: recorded outcomes to learn from first.
        max_calls: arms that each row may be sent to.
        books: the budget; None for none.
    """

    def make() -> KnowingDoor:
        if gateway is not None:
            from metallm.cli.gateway_door import GatewayDoor

            return GatewayDoor(gateway, question, max_calls)
        from metallm.assembly import Router
        from metallm.cli.doors import RouterDoor
        from metallm.settings import HedgeSettings

        provider = None
        if books is not None:
            from metallm.assembly.budgeted import budgeted_provider
            from metallm.tasks.lengths import answer_limit

            limit = answer_limit(question.task.labels, several=question.several)
            provider = budgeted_provider(settings, books, output_tokens=limit, tell=tell)
        # nobody waits for a single row, and two calls for one would only cost the more
        unhedged = settings.model_copy(update={"hedge": HedgeSettings()})
        router = Router.from_settings(unhedged, provider=provider)
        try:
            if warm is not None:
                router.fit(warm)
        except BaseException:
            router.close()
            raise
        return RouterDoor(router, question, max_calls)

    return make
