"""True labels of recorded texts: what the log holds of them, and what tasks learn from it."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.chance import uniform
from metallm.core.classes import Case, words_in
from metallm.core.outcome import Recorded
from metallm.errors import InputError, UnknownLabelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context, FloatArray
    from metallm.core.protocols import ClassLearner

ROWS_AT_ONCE = 1000
"""Of one record: while it is learned nobody else can decide, for some tenths of a second."""


def checked_truth(texts: Sequence[str], truth: Sequence[str], labels: Sequence[str]) -> None:
    """Refuse true labels that cannot be learned.

    Raises:
        InputError: not as many as texts.
        UnknownLabelError: one that is not among the labels.
    """
    if len(truth) != len(texts):
        raise InputError(f"{len(texts)} texts need as many true labels, not {len(truth)}")
    for label in truth:
        if label not in labels:
            raise UnknownLabelError(label, tuple(labels))


def labelled(
    contexts: Context,
    input_tokens: FloatArray,
    words: Sequence[bytes],
    truth: Sequence[str],
    labels: Sequence[str],
    task: str,
    at: float,
) -> Recorded:
    """A record of n texts with their true labels, and of no arm.

    Args:
        contexts: shape (n, d).
        input_tokens: shape (n,).
        words: n texts' hashed n-grams.
        truth: n labels.
        labels: those that may be asked about.
        task: its name, "" for none.
        at: POSIX seconds.
    """
    nothing = np.zeros((len(truth), 0))
    return Recorded(
        contexts,
        (),
        nothing,
        nothing,
        input_tokens,
        nothing,
        nothing,
        tasks=(task,) * len(truth),
        labels=tuple(truth),
        words=tuple(words),
        classes={task: tuple(sorted(labels))},
        at=at,
    )


def digest_of(recorded: Recorded) -> str:
    """What its true labels are known by, whatever was recorded of arms' quality beside them."""
    told = [
        *(recorded.tasks, recorded.labels, recorded.answers, sorted(recorded.classes.items())),
        *([len(each) for each in recorded.words], recorded.arms),
    ]
    digest = blake2b(json.dumps(told).encode("ascii"), digest_size=16)
    digest.update(recorded.contexts.tobytes())
    digest.update(b"".join(recorded.words))
    return digest.hexdigest()


def teach(classes: ClassLearner, recorded: Recorded, name: str) -> None:
    """Have tasks' labels be learned from recorded texts, and from what arms had answered to them.

    How far a student can be trusted is measured on each row before it is learned; rows sorted by
    label would tell it wrongly, so they are taken in a mixed order, the same one every time.

    Args:
        classes: learns.
        recorded: the rows; those of tasks without a set of labels are passed over.
        name: of the record, for the ids of its rows.
    """
    for row in mixed(len(recorded.labels)):
        label, task = recorded.labels[row], recorded.tasks[row]
        labels = recorded.classes.get(task, ())
        if label is None or label not in labels:
            continue
        words, context = words_in(recorded.words[row]), recorded.contexts[row]
        case = Case(f"{name[:8]}.{row}", task, labels, words, context)
        classes.learn(case, (), label)
        if recorded.answers:
            said = zip(recorded.arms, recorded.answers[row], strict=True)
            known = [(arm, answer or None) for arm, answer in said if answer is not None]
            classes.count(case, known, label)


def mixed(count: int) -> list[int]:
    """The numbers from 0 to count − 1 in an order that only depends on their count."""
    return sorted(range(count), key=lambda number: uniform(count, number))
