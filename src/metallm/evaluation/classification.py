"""How good answers to a task were: accuracy, per label, which for which, at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import InputError
from metallm.evaluation.confidence import Calibration, calibration
from metallm.evaluation.intervals import Interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.core.task import Task

    Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label was told from the others.

    Args:
        label: the label.
        support: texts of which it is true.
        precision: of the answers that said it, the share that was right; NaN where none did.
        recall: of the texts of which it is true, the share that was answered so; NaN without any.
        f1: harmonic mean of the two; NaN where the label is neither true nor said anywhere.
    """

    label: str
    support: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationReport:
    """What answers to a task came to.

    Args:
        n: answers.
        unread: those that named no label; they count as wrong.
        accuracy: share that was right, with its 95 % interval; of kind "multi", of exact matches.
        macro_f1: mean F1 of the labels that are true or said anywhere.
        by_label: for each label of the task, in its order.
        quality: mean of `Task.quality`.
        error_cost: mean of `Task.cost`, in the unit of the task's costs.
        confusion: shape (L, L + 1), how often each label (row) was answered by each (column), the
            last column by nothing readable; None of kind "multi", where an answer has no one cell.
        calibration: None where no confidence was given.
    """

    n: int
    unread: int
    accuracy: Interval
    macro_f1: float
    by_label: tuple[LabelScore, ...]
    quality: float
    error_cost: float
    confusion: Counts | None
    calibration: Calibration | None


def classification_report(
    task: Task,
    truth: Sequence[str],
    said: Sequence[str | None],
    confidence: Sequence[float] | FloatArray | None = None,
) -> ClassificationReport:
    """Score answers to a task.

    Args:
        task: whose labels and costs count.
        truth: n true labels; of kind "multi" joined, as `Task.canonical` takes them.
        said: n answers; None for one that named no label.
        confidence: shape (n,), 0 to 1, the chance that the answer is right.

    Raises:
        InputError: no answers, more or fewer truths than answers, a truth or an answer outside
            the labels (its row is named), or a confidence out of range.
    """
    if len(truth) != len(said) or not len(truth):
        raise InputError(f"{len(said)} answers cannot be held against {len(truth)} true labels")
    true = [_spelled(task, each, row, "truth") for row, each in enumerate(truth)]
    read = [
        None if each is None else _spelled(task, each, row, "said") for row, each in enumerate(said)
    ]
    pairs = list(zip(true, read, strict=True))
    right = np.array([one == other for one, other in pairs])
    # the same pair of labels comes again and again
    costs = {pair: task.cost(pair[1], pair[0]) for pair in set(pairs)}
    error_cost = float(np.mean([costs[pair] for pair in pairs]))
    by_label = _by_label(task, pairs)
    return ClassificationReport(
        n=len(pairs),
        unread=read.count(None),
        accuracy=wilson_interval(int(right.sum()), len(pairs)),
        macro_f1=float(np.nanmean([each.f1 for each in by_label])),
        by_label=by_label,
        quality=1.0 - error_cost / task.largest_cost,
        error_cost=error_cost,
        confusion=None if task.kind == "multi" else _confusion(task, pairs),
        calibration=None if confidence is None else calibration(confidence, right),
    )


def cost_matrix(task: Task) -> FloatArray:
    """What each label (row) costs where it is answered by each (column), shape (L, L + 1).

    The last column is an answer that names no label. Of kind "multi": where each label is alone.
    """
    columns = (*task.labels, None)
    return np.array([[task.cost(said, truth) for said in columns] for truth in task.labels])


def _spelled(task: Task, label: str, row: int, where: str) -> str:
    try:
        return task.canonical(label)
    except InputError as error:
        raise InputError(f"task {task.name!r}, {where}[{row}]: {error}") from error


def _confusion(task: Task, pairs: Sequence[tuple[str, str | None]]) -> Counts:
    place: dict[str | None, int] = {label: at for at, label in enumerate((*task.labels, None))}
    size = len(place)
    cells = [place[true] * size + place[read] for true, read in pairs]
    counts = np.bincount(cells, minlength=size * (size - 1)).astype(np.int64)
    return counts.reshape(size - 1, size)


def _by_label(task: Task, pairs: Sequence[tuple[str, str | None]]) -> tuple[LabelScore, ...]:
    place = {label: at for at, label in enumerate(task.labels)}
    true, said, both = np.zeros((3, len(place)))
    for truth, read in pairs:
        there = {place[label] for label in task.parts(truth)}
        named = set() if read is None else {place[label] for label in task.parts(read)}
        true[list(there)] += 1.0
        said[list(named)] += 1.0
        both[list(there & named)] += 1.0
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as documented
        precision, recall, f1 = both / said, both / true, 2.0 * both / (said + true)
    return tuple(
        LabelScore(label, int(true[at]), float(precision[at]), float(recall[at]), float(f1[at]))
        for label, at in place.items()
    )
