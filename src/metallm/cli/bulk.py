"""Classifies many rows at once, and keeps each answer as it comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from metallm.cli.doors import RowFailedError
from metallm.cli.guard import WorkFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from metallm.cli.doors import Door
    from metallm.cli.rows import Row

GIVE_UP_AFTER = 20
"""Failures one after the other after which the rest is not tried: a wrong key fails every row."""


async def classify_rows(
    rows: Sequence[Row],
    door: Door,
    *,
    concurrency: int,
    keep: Callable[[dict[str, Any]], None],
) -> None:
    """Classify rows; where the true label is known, it is told before the answer is kept.

    Args:
        rows: what is asked.
        door: who answers.
        concurrency: how many are asked at the same time.
        keep: gets the answer of each row, as it comes.

    Raises:
        WorkFailedError: too many rows failed one after the other.
        MetaLLMError: what keeps every row from an answer.
    """
    waiting = iter(rows)
    failures = _Failures()
    workers = [
        asyncio.create_task(_work(waiting, door, keep, failures))
        for _ in range(min(concurrency, len(rows)))
    ]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


class _Failures:
    """How many rows failed since the last that did not."""

    def __init__(self) -> None:
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
    failures: _Failures,
) -> None:
    for row in waiting:
        answer = await _answer(row, door)
        keep(answer)
        failures.note(answer.get("error"))


async def _answer(row: Row, door: Door) -> dict[str, Any]:
    known: dict[str, Any] = {"row": row.number, "digest": row.digest, "label": None}
    if row.truth is not None:
        known["truth"] = row.truth
    if not row.text.strip():
        return {**known, "error": "the text is empty"}
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
        "decision_id": found.decision_id,
    }
    if row.truth is not None:
        await door.judge(found.decision_id, row.truth)
        known["correct"] = found.label == row.truth
    return known
