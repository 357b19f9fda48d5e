"""Classifies many rows at once, and keeps each answer as it comes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from metallm.cli.doors import RowFailedError
from metallm.cli.guard import WorkFailedError
from metallm.errors import BudgetExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from metallm.cli.doors import Door
    from metallm.cli.rows import Row

GIVE_UP_AFTER = 20
"""Failures one after the other after which the rest is not tried: a wrong key fails every row."""

EMPTY = "the text is empty"
"""Why a row without a text has no answer, however often it is asked."""


async def classify_rows(
    rows: Sequence[Row],
    door: Door,
    *,
    concurrency: int,
    keep: Callable[[dict[str, Any]], None],
) -> BudgetExhaustedError | None:
    """Classify rows; where the true label is known, it is told before the answer is kept.

    Args:
        rows: what is asked.
        door: who answers.
        concurrency: how many are asked at the same time.
        keep: gets the answer of each row, as it comes.

    Returns:
        None; or, where a budget did not cover the next call, what it was short of. Then rows in
        flight are finished and no further ones are begun.

    Raises:
        WorkFailedError: too many rows failed one after the other.
        MetaLLMError: what keeps every row from an answer.
    """
    waiting = iter(rows)
    state = _State()
    workers = [
        asyncio.create_task(_work(waiting, door, keep, state))
        for _ in range(min(concurrency, len(rows)))
    ]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return state.exhausted


class _State:
    """How many rows failed since the last that did not, and what a budget was short of."""

    def __init__(self) -> None:
        self.exhausted: BudgetExhaustedError | None = None
        self._streak = 0

    def note(self, error: str | None) -> None:
        self._streak = 0 if error is None else self._streak + 1
        if self._streak >= GIVE_UP_AFTER:
            raise WorkFailedError(
                f"{self._streak} rows failed one after the other, the last with: {error}"
            )


async def _work(
    waiting: Iterator[Row],
    door: Door,
    keep: Callable[[dict[str, Any]], None],
    state: _State,
) -> None:
    for row in waiting:
        try:
            answer = await _answer(row, door)
        except BudgetExhaustedError as error:
            state.exhausted = error
            return
        keep(answer)
        if answer.get("error") != EMPTY:  # that tells nothing of those who answer
            state.note(answer.get("error"))
        if state.exhausted is not None:
            return


async def _answer(row: Row, door: Door) -> dict[str, Any]:
    known: dict[str, Any] = {"row": row.number, "digest": row.digest, "label": None}
    if row.truth is not None:
        known["truth"] = row.truth
    if not row.text.strip():
        return {**known, "error": EMPTY}
    try:
        found = await door.ask(row.text)
    except RowFailedError as error:
        return {**known, "error": str(error)}
    known |= {
        "label": found.label,
        "arm": found.arm,
        "cost_usd": found.cost_usd,
        "confidence": found.confidence,
        "calls": len(found.calls),
        "said": [{"arm": call.arm, "label": call.label} for call in found.calls],
        "decision_id": found.decision_id,
        "at": time.time(),
    }
    if row.truth is not None:
        await door.judge(found.decision_id, row.truth)
        known["correct"] = found.label == row.truth
    return known
