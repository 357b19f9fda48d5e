"""The default learner: ridge, cells and a kernel under a basis that is renewed as more is known.

The estimate is the mean of three: a ridge per arm, the means of cells, and a ridge per arm on a
kernel's features. Each errs in its own way, so that their mean closes more of the gap to the oracle
than any of them. Where true labels are told, a fourth joins them: what the query's class tells of
every arm, at the share that its record earns it.

Between renewals an outcome costs two rank-one updates. Renewals come at growing numbers of rows, so
that all of them together cost a constant share per row, and at the same points of the log whenever
it is folded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.basis import Basis
from metallm.learners.cells import CellMeans, lloyd
from metallm.learners.expected import NONE, Expectations
from metallm.learners.kernel import KernelRidge
from metallm.learners.labels import LabelNames
from metallm.learners.memory import CAPACITY, Memory
from metallm.learners.penalty import SAMPLE, SETS, Spectrum, leave_one_out_penalty
from metallm.learners.recall import UNKNOWN, LabelRecall, classes_among
from metallm.learners.ridge import DEFAULT_VARIANCE, ArmRidge
from metallm.learners.sets import RowSet, row_sets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray
    from metallm.core.outcome import Recorded

BIAS_PENALTY = 2.0
"""Outcomes that the prior counts for in an arm's mean: weak, for arms differ."""

UNTRIED_QUALITY = 0.7
"""An arm's quality before anything is known of any: high enough to be tried."""


@dataclass(frozen=True, slots=True)
class BlendSettings:
    """What there is to choose about a `BlendLearner`; the defaults were measured best.

    Args:
        directions: principal directions of the context that are kept, once there are rows enough.
        rows_per_direction: rows that each direction takes.
        first_renewal: rows before contexts count at all; with fewer, arms' means alone choose
            better.
        growth: a renewal comes whenever the rows have grown by this factor.
        cuts: ways to cut the space into cells; several, for one run of Lloyd's algorithm is a
            lottery.
        cells: cells of each cut, once there are rows enough.
        rows_per_cell: rows that each cell takes.
        landmarks: points that the kernel's features are distances to.
        rows_per_landmark: rows that each landmark takes.
    """

    directions: int = 64
    rows_per_direction: int = 4
    first_renewal: int = 64
    growth: float = 1.3
    cuts: int = 6
    cells: int = 32
    rows_per_cell: int = 16
    landmarks: int = 256
    rows_per_landmark: int = 2


class BlendLearner:
    """Quality per arm from the mean of ridge, cells and kernel, and from labels.

    Args:
        context_dim: length D of a context.
        seed: of the centres of cells and of the choice of landmarks.
        capacity: rows that are kept for renewals.
        settings: what there is to choose.
        priors: what some arms' mean quality is expected to be, 0 to 1, such as a published score.
    """

    learns_reward = False

    def __init__(
        self,
        context_dim: int,
        *,
        seed: int = 0,
        capacity: int = CAPACITY,
        settings: BlendSettings | None = None,
        priors: Mapping[str, float] | None = None,
    ) -> None:
        self._expected = Expectations(priors or {})
        self._settings = settings or BlendSettings()
        self._seed = seed
        self._names: list[str] = []
        self._labels = LabelNames()
        self._memory = Memory(context_dim, capacity)
        self._basis = Basis.blank(context_dim)
        self._ridge = _untaught(0, 1)
        # None until contexts count
        self._cells: CellMeans | None = None
        self._kernel: KernelRidge | None = None
        self._recall = LabelRecall.none()
        # kept until something is learned: cells' shrunken means, each arm's mean, and how far the
        # estimates of arms go towards what is expected of them
        self._table: FloatArray | None = None
        self._own: FloatArray | None = None
        self._moves: dict[tuple[str, ...], FloatArray] = {}
        # columns of the arms that were last asked about, nearly always the same ones
        self._asked: dict[tuple[str, ...], tuple[NDArray[np.intp], bool]] = {}
        self._next_renewal = self._settings.first_renewal

    def estimate(
        self,
        contexts: Context,
        arms: Sequence[str],
        *,
        tasks: Sequence[str] = (),
        labels: tuple[str, ...] = (),
    ) -> tuple[FloatArray, FloatArray]:
        """Expected quality and its standard error, each of shape (n, K)."""
        z = self._basis.project(contexts)
        quality, spread = self._ridge.predict_with_error(z)
        if self._cells is not None and self._kernel is not None:
            if self._table is None:
                self._table = self._cells.shrunk(self._means())
            points = z[:, 1:]
            self._cells.add_means(points, self._table, quality)
            self._kernel.mix_in(points, quality, 2)
        if self._recall:
            self._mix_in_recall((quality, spread), z, tasks, labels)
        all_known = True
        if list(arms) != self._names:
            columns, all_known = self._columns(arms)
            if not all_known:
                # one more column, for arms never seen
                quality = np.column_stack([quality, z @ self._ridge.prior])
                untried = np.sqrt(DEFAULT_VARIANCE * ((z * z) @ (1.0 / self._ridge.l2)))
                spread = np.column_stack([spread, untried])
            quality, spread = quality.take(columns, axis=1), spread.take(columns, axis=1)
        if self._expected or not all_known:
            quality = quality + self._moved(tuple(arms))
        return quality, spread

    def update(
        self,
        context: Context,
        arm: str,
        quality: float,
        *,
        weight: float = 1.0,
        scaled_cost: float = 0.0,
        task: str = "",
        label: str | None = None,
    ) -> None:
        """Learn one outcome, or take one back (weight below 0)."""
        del scaled_cost  # quality is learned apart from cost
        position, number = self._position(arm), self._labels.number(task, label)
        if self._ridge.n[position] == 0.0 and (expected := self._newcomer()) is not None:
            self._expected.join(arm, expected)
        if weight > 0.0:
            self._memory.append(context, position, quality, weight, number)
        else:
            self._memory.remove(context, position, quality, -weight, number)
        z = self._basis.project(context[None])
        self._ridge.update(position, z[0], quality, weight)
        if self._cells is not None and self._kernel is not None:
            self._cells.add(position, self._cells.locate(z[:, 1:])[0], quality, weight)
            self._kernel.update(position, z[0, 1:], quality, weight)
        if number != UNKNOWN:
            self._recall.update(position, z[0], quality, number, weight)
        self._forget_derived()
        if len(self._memory) >= self._next_renewal:
            self.renew()

    def fit(self, recorded: Recorded, scaled_costs: FloatArray) -> None:
        """Learn a batch of recorded outcomes, on top of what is known."""
        del scaled_costs
        positions = np.array([self._position(arm) for arm in recorded.arms], dtype=np.int64)
        labels = self._labels.numbers(recorded.tasks, recorded.labels)
        self._memory.extend(recorded.contexts, positions, recorded.quality, labels, recorded.weight)
        self.renew()

    def renew(self) -> None:
        """Choose basis, penalties, prior, cells and landmarks anew from all rows, and refit."""
        self._forget_derived()
        self._memory.trim()
        rows, settings = len(self._memory), self._settings
        self._next_renewal = max(settings.first_renewal, int(rows * settings.growth) + 1)
        if rows == 0:
            return
        dim = min(settings.directions, rows // settings.rows_per_direction)
        self._basis = Basis.of(self._memory.contexts, dim)
        z = self._basis.project(self._memory.contexts)
        sets = row_sets(self._memory, len(self._names))
        self._ridge = self._fitted_ridge(z, sets)
        self._cells = self._fitted_cells(z[:, 1:], sets)
        self._kernel = self._fitted_kernel(z[:, 1:], sets)
        self._recall = self._fitted_recall(z, sets)
        self._forget_derived()
        self._expected.settle(self._names, self._ridge.n)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Everything, as named arrays."""
        state = {
            "names": np.array(self._names, dtype=np.str_),
            "newcomers": self._expected.state(self._names),
            "next_renewal": np.array(self._next_renewal),
            "basis_mean": self._basis.mean,
            "basis_directions": self._basis.directions,
            **{f"ridge_{key}": getattr(self._ridge, key).copy() for key in _RIDGE},
            **_named("labels", self._labels.state()),
            **_named("recall", self._recall.state()),
            **_named("memory", self._memory.state()),
        }
        if self._cells is not None and self._kernel is not None:
            cells = {"cuts": self._cells.cuts, "n": self._cells.n, "sy": self._cells.sy}
            state |= _named("cells", {key: value.copy() for key, value in cells.items()})
            state |= _named("kernel", self._kernel.state())
        return state

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        names = [str(name) for name in state["names"]]
        ridge = ArmRidge(len(names), state["ridge_l2"], state["ridge_prior"])
        for key in _RIDGE:
            setattr(ridge, key, np.array(state[f"ridge_{key}"]))
        labels, recall = LabelNames(), LabelRecall.loaded(_part(state, "recall"))
        labels.load(_part(state, "labels"))
        cells, kernel = None, None
        if "cells_n" in state:
            cells = CellMeans(state["cells_cuts"], len(names))
            cells.n, cells.sy = np.array(state["cells_n"]), np.array(state["cells_sy"])
            kernel = KernelRidge.loaded(_part(state, "kernel"))
        self._memory.load(_part(state, "memory"))
        self._names, self._labels, self._recall = names, labels, recall
        # what was saved by earlier versions knows of none
        self._expected.load(names, state.get("newcomers", np.full(len(names), NONE)))
        self._ridge, self._cells, self._kernel = ridge, cells, kernel
        self._basis = Basis(state["basis_mean"], state["basis_directions"])
        self._forget_derived()
        self._asked = {}
        self._next_renewal = int(state["next_renewal"])

    def _mix_in_recall(
        self,
        known: tuple[FloatArray, FloatArray],
        z: FloatArray,
        tasks: Sequence[str],
        labels: tuple[str, ...],
    ) -> None:
        """Mix what the classes of the queries tell into estimates and errors, shapes (n, K)."""
        means, share = self._means(), self._recall.share
        named = tasks or [""] * len(z)
        different = dict.fromkeys(named)
        for task in different:
            rows: Any = slice(None)
            if len(different) > 1:
                rows = [row for row, name in enumerate(named) if name == task]
            allowed = self._labels.allowed(self._recall.classes, task, labels)
            if allowed.any():
                told = self._recall.estimate(z[rows], means, allowed)
                for mine, theirs in zip(known, told, strict=True):
                    mine[rows] += share * (theirs - mine[rows])

    def _moved(self, arms: tuple[str, ...]) -> FloatArray:
        """How far estimates go towards what is expected of arms, shape (K,)."""
        if arms not in self._moves:
            known, unseen = self._known(arms), self._newcomer()
            self._moves = {arms: self._expected.moves(arms, known, unseen)}
        return self._moves[arms]

    def _forget_derived(self) -> None:
        self._table, self._own, self._moves = None, None, {}

    def _known(self, arms: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """Outcomes of each arm and its mean quality, shrunk to the prior, shape (K,) each."""
        positions = self._positions(arms)
        # position −1 picks what stands behind the others: an arm never seen
        n = np.append(self._ridge.n, 0.0)[positions]
        return n, np.append(self._means(), self._ridge.prior[0])[positions]

    def _newcomer(self) -> float | None:
        """What is expected of an arm that joins others: to be among the better of them.

        The arms' mean and one standard deviation between them; None while too little is known of
        them. With the bare mean a single wrong answer left it behind a settled favourite for good.
        """
        if len(self._memory) < self._settings.first_renewal:
            return None
        tried = self._means()[self._ridge.n > 0.0]
        if not len(tried):
            return None
        apart = tried - tried.sum() / len(tried)
        return float(self._ridge.prior[0] + math.sqrt((apart * apart).sum() / len(tried)))

    def _position(self, arm: str) -> int:
        if arm not in self._names:
            self._names.append(arm)
            self._asked = {}
            self._forget_derived()
            self._ridge.add_arm()
            self._recall.add_arm()
            if self._cells is not None and self._kernel is not None:
                self._cells.add_arm()
                self._kernel.add_arm()
        return self._names.index(arm)

    def _positions(self, arms: Sequence[str]) -> list[int]:
        known = {name: position for position, name in enumerate(self._names)}
        return [known.get(arm, -1) for arm in arms]

    def _columns(self, arms: Sequence[str]) -> tuple[NDArray[np.intp], bool]:
        """The positions of arms, and whether all of them are known."""
        names = tuple(arms)
        found = self._asked.get(names)
        if found is None:
            positions = self._positions(names)
            # an arm never seen has the column behind those that are known
            columns = np.array([each % (len(self._names) + 1) for each in positions], np.intp)
            found = columns, -1 not in positions
            self._asked = {names: found}
        return found

    def _means(self) -> FloatArray:
        """Each arm's mean quality, shrunk to the prior, shape (K,)."""
        if self._own is None:
            ridge = self._ridge
            self._own = (BIAS_PENALTY * ridge.prior[0] + ridge.sy) / (BIAS_PENALTY + ridge.n)
        return self._own

    def _fitted_ridge(self, z: FloatArray, sets: Sequence[RowSet]) -> ArmRidge:
        prior = np.zeros(z.shape[1])
        means = np.concatenate([rows.y.mean(axis=0) for rows in sets])
        prior[0] = (UNTRIED_QUALITY + means.sum()) / (1 + len(means))
        ridge = ArmRidge(len(self._names), np.full(z.shape[1], BIAS_PENALTY), prior)
        for rows in sets:
            ridge.add_set(rows.arms, z[rows.rows], rows.y, rows.weight)
        if z.shape[1] > 1:
            ridge.l2[1:] = leave_one_out_penalty(_spectrum(ridge, z, each) for each in sets[:SETS])
        ridge.refactor()
        return ridge

    def _fitted_cells(self, points: FloatArray, sets: Sequence[RowSet]) -> CellMeans:
        settings = self._settings
        count = max(min(settings.cells, len(points) // settings.rows_per_cell), 1)
        cuts = [
            lloyd(points, count, np.random.default_rng([self._seed, number]))
            for number in range(settings.cuts)
        ]
        cells = CellMeans(np.stack(cuts), len(self._names))
        located = cells.locate(points)
        for rows in sets:
            cells.add_set(rows, located)
        return cells

    def _fitted_kernel(self, points: FloatArray, sets: Sequence[RowSet]) -> KernelRidge:
        settings = self._settings
        count = max(min(settings.landmarks, len(points) // settings.rows_per_landmark), 1)
        rng = np.random.default_rng([self._seed, settings.cuts])
        landmarks = points[rng.choice(len(points), count, replace=False)]
        kernel = KernelRidge(
            landmarks,
            len(self._names),
            prior=float(self._ridge.prior[0]),
            bias_penalty=BIAS_PENALTY,
        )
        kernel.fit(points, sets)
        return kernel

    def _fitted_recall(self, z: FloatArray, sets: Sequence[RowSet]) -> LabelRecall:
        labels = self._memory.label
        classes = classes_among(labels)
        recall = LabelRecall(classes, len(self._names), z.shape[1])
        if len(classes):
            recall.fit(z, labels, sets, self._ridge)
        return recall


_RIDGE = ("l2", "prior", "A", "b", "n", "sy", "syy", "P", "theta")


def _untaught(arms: int, dim: int) -> ArmRidge:
    """A ridge that knows the prior of arms alone."""
    prior = np.zeros(dim)
    prior[0] = UNTRIED_QUALITY
    return ArmRidge(arms, np.full(dim, BIAS_PENALTY), prior)


def _spectrum(ridge: ArmRidge, z: FloatArray, rows: RowSet) -> Spectrum:
    """What one set's leave-one-out errors follow from, by the sums that the ridge holds."""
    arms = list(rows.arms)
    seen = rows.sample(SAMPLE)
    gram, moment = ridge.A[arms[0]], ridge.b[arms].T
    sums = gram[1:, 0], moment[0], max(float(gram[0, 0]), 1.0)
    return Spectrum.of(gram[1:, 1:], moment[1:], sums, z[rows.rows[seen], 1:], rows.y[seen])


def _named(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{prefix}_{key}": value for key, value in arrays.items()}


def _part(state: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    start = len(prefix) + 1
    return {key[start:]: value for key, value in state.items() if key.startswith(f"{prefix}_")}
