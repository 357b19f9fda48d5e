"""One stream of classifications through the public router, answered from a recording."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import metallm
from classifying.table import RecordedProvider
from metallm.core.classes import STUDENT
from metallm.core.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifying.table import ClassTable
    from metallm.core.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Setting:
    """How a router classifies.

    Args:
        cost_weight: p.
        max_calls: arms that one text may be sent to.
        student: whether it learns tasks.
        policy: its name.
        audit: share of the texts that are sent to the best single model as well, whose answers
            stand in for labels; None for no audit.
        labels: share of the true labels that are told, of answers that want one.
    """

    cost_weight: float
    max_calls: int = 1
    student: bool = True
    policy: str = "squarecb"
    audit: float | None = None
    labels: float = 1.0


@dataclass(frozen=True, eq=False)
class Stream:
    """What came of a stream of n texts.

    Args:
        order: shape (n,), rows of the table.
        right: shape (n,), 1 where the label was right.
        cost_usd: shape (n,), USD of all calls.
        calls: shape (n,), arms that were asked.
        by_student: shape (n,), True where the student answered alone.
        confidence: shape (n,), of the label; NaN where none was told.
        seconds: shape (n,), processor time of each classification, the log in memory.
    """

    order: NDArray[np.intp]
    right: FloatArray
    cost_usd: FloatArray
    calls: FloatArray
    by_student: NDArray[np.bool_]
    confidence: FloatArray
    seconds: FloatArray


def play(
    table: ClassTable,
    order: NDArray[np.intp],
    setting: Setting,
    *,
    seed: int,
    task: str | None = None,
    choice: bool = False,
) -> Stream:
    """Classify rows in order; each true label that is told is told before the next.

    Args:
        table: what was recorded.
        order: rows of the table.
        setting: how the router classifies.
        seed: the router's.
        task: one name for the tasks of all rows; None for their own.
        choice: whether labels are letters of options.
    """
    return asyncio.run(_play(table, order.tolist(), setting, seed, task, choice=choice))


async def _play(
    table: ClassTable,
    order: Sequence[int],
    setting: Setting,
    seed: int,
    common: str | None,
    *,
    choice: bool,
) -> Stream:
    provider = RecordedProvider(table)
    reference = table.arms[table.best].name
    audit = None if setting.audit is None else metallm.Audit(reference, setting.audit)
    router = metallm.Router(
        table.arms,
        cost_weight=setting.cost_weight,
        policy=setting.policy,
        student=setting.student,
        provider=provider,
        seed=seed,
        audit=audit,
        label_share=setting.labels,
    )
    recordings, columns = table.recordings, {arm.name: k for k, arm in enumerate(table.arms)}
    found = np.zeros((6, len(order)))
    for place, row in enumerate(order):
        provider.row = row
        task, truth = recordings.datasets[row], str(recordings.references[row])
        labels, name = table.labels[task], common or task
        begun = time.process_time()
        answer = await router.classify(
            recordings.texts[row],
            Task(name, "choice", labels) if choice else labels,
            task=name,
            max_calls=setting.max_calls,
        )
        seconds = time.process_time() - begun
        spent = sum(table.cost_usd[row, columns[call.arm]] for call in answer.calls)
        sure = np.nan if answer.confidence is None else answer.confidence
        alone = answer.arm == STUDENT
        right = answer.label == truth
        found[:, place] = right, spent, len(answer.calls), alone, sure, seconds
        if answer.wants_label:
            router.feedback(answer.decision_id, label=truth)
    await router.aclose()
    return Stream(np.array(order), found[0], found[1], found[2], found[3] > 0.0, found[4], found[5])
