"""What true labels tell of every arm: which label a query has, and how arms do on that label.

An outcome tells of the arm that answered. A true label tells of all arms, for each is better at
some labels than at others (one never misses a "yes" and invents many). So the class of a query is
learned from every labelled row, whichever arm answered it, and each arm's quality per class:

    estimate = Σ_g P(g | z) · recall[arm, g]

Key to the letters, for G classes, K arms and contexts z of length d (the bias first):

    theta    one-against-the-rest ridge, shape (G, d)
    P        (Σ z zᵀ + Λ)⁻¹, shape (d, d)
    n, sy    outcomes and their sum per arm and class, shape (K, G)

Scores of a ridge are timid probabilities: they are sharpened by a power, chosen by the
leave-one-out likelihood. How much of the final estimate recall makes up (`share`) is chosen by
leave-one-out error against the arms' own ridge: where labels cannot be told apart, or arms do alike
on all of them, it is about 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.penalty import GRID, SAMPLE, Spectrum, leave_one_out_penalty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.learners.ridge import ArmRidge
    from metallm.learners.sets import RowSet

ROWS_PER_CLASS = 8
"""Rows of a label that make it a class; labels with fewer are one class together."""

MOST_CLASSES = 64

LEAST_ROWS = 64
"""Labelled rows before labels count at all, as many as before contexts do."""

CAUTION = 1.0
"""Standard errors that are taken off the share of labels."""

SHRINKAGE = 5.0
"""Outcomes that an arm's mean counts for in each class."""

BIAS_PENALTY = 2.0
FLOOR = 1e-3
"""Least score: no class is ever ruled out."""

SHARPNESS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)

LEAST_VARIANCE = 0.05
"""An arm that was right on every outcome of a class may yet err on this share of it."""

UNKNOWN = -1
"""The label of a row that has none."""

REST = -2
"""Stands for all labels too rare to be classes of their own."""


class LabelRecall:
    """Quality per arm by way of the query's class.

    Args:
        classes: shape (G,), labels (by number) that are classes; `REST` for all others.
        arms: K.
        dim: d, the bias included.
    """

    def __init__(self, classes: NDArray[np.int64], arms: int, dim: int) -> None:
        count = len(classes)
        self.classes = classes
        self.theta: FloatArray = np.zeros((count, dim))
        self.P: FloatArray = np.eye(dim)
        self.n: FloatArray = np.zeros((arms, count))
        self.sy: FloatArray = np.zeros((arms, count))
        self.sharpness = 1.0
        self.share = 0.0
        # recall and its variance, with the means that they were shrunk to, until more is learned
        self._tables: tuple[FloatArray, FloatArray, FloatArray] | None = None

    @classmethod
    def none(cls) -> LabelRecall:
        """Without any class: its share is 0."""
        return cls(np.zeros(0, dtype=np.int64), 0, 0)

    def __bool__(self) -> bool:
        return self.share > 0.0

    def add_arm(self) -> None:
        """One more arm, of which nothing is known."""
        empty = np.zeros((1, len(self.classes)))
        self._tables = None
        self.n, self.sy = np.concatenate([self.n, empty]), np.concatenate([self.sy, empty])

    def posterior(self, z: FloatArray, allowed: NDArray[np.bool_] | None = None) -> FloatArray:
        """P(class | z), z of shape (n, d) gives (n, G).

        Args:
            z: contexts, the bias first.
            allowed: shape (G,), the classes that are possible; None for all.
        """
        chance = _sharpened(z @ self.theta.T, self.sharpness)
        if allowed is not None:
            chance *= allowed
        chance /= chance.sum(axis=1, keepdims=True)
        return chance

    def estimate(
        self, z: FloatArray, means: FloatArray, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Expected quality and its standard error, each of shape (n, K).

        What is unsure about the class itself is left out of the error: trying an arm does not
        tell it.

        Args:
            z: contexts, shape (n, d), the bias first.
            means: shape (K,), the arms' own mean quality; what follows from the very same array is
                computed once.
            allowed: as for `posterior`.
        """
        if self._tables is None or self._tables[0] is not means:
            table = self._table(means)
            bounded = np.clip(table, LEAST_VARIANCE, 1.0 - LEAST_VARIANCE)
            self._tables = means, table, bounded * (1.0 - bounded) / (self.n + SHRINKAGE)
        _, table, variance = self._tables
        chance = self.posterior(z, allowed)
        return chance @ table.T, np.sqrt((chance * chance) @ variance.T)

    def update(self, arm: int, z: FloatArray, y: float, label: int, weight: float = 1.0) -> None:
        """Learn one labelled outcome of a context z, shape (d,); weight −1 takes one back."""
        place = self._class_of(label)
        if place is None:
            return
        self._tables = None
        self.n[arm, place] += weight
        self.sy[arm, place] += weight * y
        target = np.zeros(len(self.classes))
        target[place] = 1.0
        through = self.P @ z
        gain = through * (weight / (1.0 + weight * float(z @ through)))
        self.theta += np.outer(target - self.theta @ z, gain)
        self.P -= np.outer(gain, through)

    def fit(
        self, z: FloatArray, labels: NDArray[np.int64], sets: Sequence[RowSet], ridge: ArmRidge
    ) -> None:
        """Learn classes and recall from all rows, and choose sharpness and share.

        Args:
            z: all rows, shape (n, d), the bias first.
            labels: shape (n,), labels by number; `UNKNOWN` where a row has none.
            sets: which arms answered which rows.
            ridge: the arms' own ridge on the same z, fitted.
        """
        place = self._places(labels)
        rows = np.flatnonzero(place >= 0)
        for each in sets:
            self._count(each, place)
        seen = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.intp)]
        left_out = self._fit_posterior(z, place, rows, seen)
        truth = place[seen]
        self.sharpness = _sharpest(left_out, truth)
        chance = _sharpened(left_out, self.sharpness)
        chance /= chance.sum(axis=1, keepdims=True)
        self.share = self._share(z, chance, truth, (seen, sets), ridge)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "chosen": np.array([self.sharpness, self.share]),
            **{key: getattr(self, key).copy() for key in _SAVED},
        }

    @classmethod
    def loaded(cls, state: Mapping[str, NDArray[Any]]) -> LabelRecall:
        """As saved by `state`."""
        recall = cls.none()
        for key in _SAVED:
            setattr(recall, key, np.array(state[key]))
        recall.sharpness, recall.share = (float(value) for value in state["chosen"])
        return recall

    def _table(self, means: FloatArray) -> FloatArray:
        """Recall per arm and class, shrunk to the arm's mean, shape (K, G)."""
        table: FloatArray = (self.sy + SHRINKAGE * means[:, None]) / (self.n + SHRINKAGE)
        return table

    def _class_of(self, label: int) -> int | None:
        """The class of a label; None for a label that came up since classes were chosen."""
        found = np.flatnonzero(self.classes == label)
        if not len(found):
            found = np.flatnonzero(self.classes == REST)
        return int(found[0]) if len(found) and label != UNKNOWN else None

    def _places(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """The class of each label, shape (n,); −1 for none."""
        place = np.full(max(int(labels.max(initial=-1)) + 1, 1), -1, dtype=np.int64)
        rest = np.flatnonzero(self.classes == REST)
        if len(rest):
            place[:] = rest[0]
        known = self.classes >= 0
        place[self.classes[known]] = np.flatnonzero(known)
        return np.where(labels == UNKNOWN, -1, place[np.maximum(labels, 0)])

    def _count(self, rows: RowSet, place: NDArray[np.int64]) -> None:
        classes = place[rows.rows]
        labelled = classes >= 0
        size = len(self.classes)
        weight = (np.ones(len(rows)) if rows.weight is None else rows.weight)[labelled]
        for column, arm in enumerate(rows.arms):
            y = weight * rows.y[labelled, column]
            self.n[arm] += np.bincount(classes[labelled], weight, minlength=size)
            self.sy[arm] += np.bincount(classes[labelled], y, minlength=size)

    def _fit_posterior(
        self,
        z: FloatArray,
        place: NDArray[np.int64],
        rows: NDArray[np.intp],
        seen: NDArray[np.intp],
    ) -> FloatArray:
        """Fit `theta` and `P`; returns the scores of rows `seen`, each with itself left out."""
        count = len(self.classes)
        x, y = z[rows], np.eye(count)[place[rows]]
        gram, moment = x.T @ x, x.T @ y
        share = moment[0] / len(rows)
        sums = gram[1:, 0], moment[0], len(rows)
        shown = np.eye(count)[place[seen]]
        spectrum = Spectrum.of(gram[1:, 1:], moment[1:], sums, z[seen, 1:], shown)
        l2 = np.full(z.shape[1], leave_one_out_penalty([spectrum], GRID))
        l2[0] = BIAS_PENALTY
        self.P = np.asarray(np.linalg.inv(gram + np.diag(l2)), dtype=np.float64)
        # the prior: every class by its share, whatever the context
        moment[0] += BIAS_PENALTY * share
        self.theta = (self.P @ moment).T
        left_out: FloatArray = shown - spectrum.left_out(float(l2[-1]))
        return left_out

    def _share(
        self,
        z: FloatArray,
        chance: FloatArray,
        truth: NDArray[np.int64],
        shown: tuple[NDArray[np.intp], Sequence[RowSet]],
        ridge: ArmRidge,
    ) -> float:
        """The part of recall in its mean with ridge that errs least, leave-one-out, 0 to 1.

        Less `CAUTION` standard errors over rows: on a few rows it would often be large by luck.
        """
        seen, sets = shown
        at = np.full(len(z), -1)
        at[seen] = np.arange(len(seen))
        means = self.sy.sum(axis=1) / np.maximum(self.n.sum(axis=1), 1.0)
        table = self._table(means)
        moved, squared = np.zeros(len(seen)), np.zeros(len(seen))
        for rows in sets:
            mine = np.flatnonzero(at[rows.rows] >= 0)
            row, place = rows.rows[mine], at[rows.rows[mine]]
            for column, arm in enumerate(rows.arms):
                y = rows.y[mine, column]
                own = truth[place]
                # each row's own outcome is taken out of the table as well
                least = np.maximum(self.n[arm, own] + SHRINKAGE - 1.0, 1.0)
                by_class = chance[place] @ table[arm]
                by_class += chance[place, own] * (table[arm, own] - y) / least
                error = _ridge_errors(z[row], y, ridge, arm)
                apart = by_class - (y - error)
                np.add.at(moved, place, error * apart)
                np.add.at(squared, place, apart * apart)
        total = float(squared.sum())
        if total <= 0.0:
            return 0.0
        best = float(moved.sum()) / total
        spread = moved - best * squared
        unsure = math.sqrt(float(spread @ spread)) / total
        return min(max(best - CAUTION * unsure, 0.0), 1.0)


def classes_among(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The labels that are frequent enough to be classes, with `REST` if others occur.

    Args:
        labels: shape (n,), labels by number; `UNKNOWN` where a row has none.

    Returns:
        Shape (G,); empty where fewer than two classes are left, or rows are few.
    """
    known, count = np.unique(labels[labels != UNKNOWN], return_counts=True)
    if count.sum() < LEAST_ROWS:
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(-count, kind="stable")[: MOST_CLASSES - 1]
    frequent = np.sort(known[order[count[order] >= ROWS_PER_CLASS]])
    rare = int(count.sum() - count[np.isin(known, frequent)].sum())
    classes = np.append(frequent, REST) if rare >= ROWS_PER_CLASS else frequent
    return classes.astype(np.int64) if len(classes) > 1 else np.zeros(0, dtype=np.int64)


def _ridge_errors(z: FloatArray, y: FloatArray, ridge: ArmRidge, arm: int) -> FloatArray:
    """Outcomes less the arm's own estimate with each row left out, shape (m,)."""
    leverage = ((z @ ridge.P[arm]) * z).sum(axis=1)
    errors: FloatArray = (y - z @ ridge.theta[arm]) / np.maximum(1.0 - leverage, 1e-6)
    return errors


def _sharpened(scores: FloatArray, sharpness: float) -> FloatArray:
    powers: FloatArray = np.maximum(scores, FLOOR) ** sharpness
    return powers


def _sharpest(scores: FloatArray, truth: NDArray[np.int64]) -> float:
    """The power under which the true classes are likeliest."""

    def surprise(power: float) -> float:
        chance = _sharpened(scores, power)
        right = chance[np.arange(len(truth)), truth] / chance.sum(axis=1)
        return -float(np.log(right).sum())

    return min(SHARPNESS, key=surprise)


_SAVED = ("classes", "theta", "P", "n", "sy")
