"""The default learner: ridge, cells and a kernel under a basis that is renewed as more is settings.

The estimate is the mean of three: a ridge per arm, the means of cells, and a ridge per arm on a
kernel's features. Each errs in its own way, so that their mean closes more of the gap to the oracle
than any of them.

Between renewals an outcome costs two rank-one updates. Renewals come at growing numbers of rows, so
that all of them together cost a constant share per row, and at the same points of the log whenever
it is folded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.basis import Basis
from metallm.learners.cells import CellMeans, lloyd, looked_up
from metallm.learners.landmarks import Landmarks
from metallm.learners.memory import CAPACITY, Memory
from metallm.learners.penalty import GRID, KERNEL_GRID, leave_one_out_penalty
from metallm.learners.ridge import DEFAULT_VARIANCE, ArmRidge

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
    """Quality per arm from the mean of ridge, cells and kernel.

    Args:
        context_dim: length D of a context.
        seed: of the centres of cells and of the choice of landmarks.
        capacity: rows that are kept for renewals.
        settings: what there is to choose.
    """

    learns_reward = False

    def __init__(
        self,
        context_dim: int,
        *,
        seed: int = 0,
        capacity: int = CAPACITY,
        settings: BlendSettings | None = None,
    ) -> None:
        self._settings = settings or BlendSettings()
        self._seed = seed
        self._names: list[str] = []
        self._memory = Memory(context_dim, capacity)
        self._basis = Basis.blank(context_dim)
        self._ridge = _untaught(0, 1)
        self._cells = CellMeans([], 0)
        self._landmarks = Landmarks.none(0)
        self._kernel = _untaught(0, 1)
        # cells' shrunken means, kept until something is learned
        self._table: FloatArray | None = None
        self._next_renewal = self._settings.first_renewal

    def estimate(self, contexts: Context, arms: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """Expected quality and its standard error, each of shape (n, K)."""
        positions = self._positions(arms)
        z = self._basis.project(contexts)
        quality = self._ridge.predict(z)
        spread = self._ridge.spread(z) * np.sqrt(self._ridge.variance())
        if self._cells.cuts:
            if self._table is None:
                self._table = self._cells.shrunk(self._means())
            averaged = looked_up(self._table, self._cells.locate(z[:, 1:]))
            kernel = self._kernel.predict(self._landmarks.features(z[:, 1:]))
            quality = (quality + averaged + kernel) / 3.0
        if -1 in positions:
            # position −1 then picks the last column: what is believed of an arm never seen
            quality = np.column_stack([quality, z @ self._ridge.prior])
            untried = np.sqrt(DEFAULT_VARIANCE * ((z * z) @ (1.0 / self._ridge.l2)))
            spread = np.column_stack([spread, untried])
        return quality[:, positions], spread[:, positions]

    def update(
        self,
        context: Context,
        arm: str,
        quality: float,
        *,
        weight: float = 1.0,
        scaled_cost: float = 0.0,
    ) -> None:
        """Learn one outcome, or take one back (weight below 0)."""
        del scaled_cost  # quality is learned apart from cost
        self._table = None
        position = self._position(arm)
        if weight > 0.0:
            self._memory.append(context, position, quality, weight)
        else:
            self._memory.remove(context, position, quality)
        z = self._basis.project(context[None])
        self._ridge.update(position, z[0], quality, weight)
        if self._cells.cuts:
            self._cells.add(position, self._cells.locate(z[:, 1:]), np.array([quality]), weight)
            self._kernel.update(position, self._landmarks.features(z[:, 1:])[0], quality, weight)
        if len(self._memory) >= self._next_renewal:
            self.renew()

    def fit(self, recorded: Recorded, scaled_costs: FloatArray) -> None:
        """Learn a batch of recorded outcomes, on top of what is settings."""
        del scaled_costs
        positions = np.array([self._position(arm) for arm in recorded.arms], dtype=np.int64)
        self._memory.extend(recorded.contexts, positions, recorded.quality)
        self.renew()

    def renew(self) -> None:
        """Choose basis, penalties, prior, cells and landmarks anew from all rows, and refit."""
        self._table = None
        self._memory.trim()
        rows, settings = len(self._memory), self._settings
        self._next_renewal = max(settings.first_renewal, int(rows * settings.growth) + 1)
        if rows == 0:
            return
        memory = self._memory
        basis = Basis.of(
            memory.contexts, min(settings.directions, rows // settings.rows_per_direction)
        )
        z = basis.project(memory.contexts)
        self._basis, self._ridge = basis, self._fitted_ridge(z, GRID)
        self._cells = self._fitted_cells(z[:, 1:])
        rng = np.random.default_rng([self._seed, settings.cuts])
        count = max(min(settings.landmarks, rows // settings.rows_per_landmark), 1)
        self._landmarks = Landmarks.among(z[:, 1:], count, rng)
        self._kernel = self._fitted_ridge(self._landmarks.features(z[:, 1:]), KERNEL_GRID)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Everything, as named arrays."""
        ridge, cells = self._ridge, self._cells
        return {
            "names": np.array(self._names, dtype=np.str_),
            "next_renewal": np.array(self._next_renewal),
            "basis_mean": self._basis.mean,
            "basis_directions": self._basis.directions,
            **{f"ridge_{key}": getattr(ridge, key).copy() for key in _RIDGE},
            **{f"kernel_{key}": getattr(self._kernel, key).copy() for key in _RIDGE},
            "landmarks": self._landmarks.points,
            "landmarks_root": self._landmarks.root,
            **{f"cut_{i}": cut for i, cut in enumerate(cells.cuts)},
            "cells_n": cells.n.copy(),
            "cells_sy": cells.sy.copy(),
            **{f"memory_{key}": value for key, value in self._memory.state().items()},
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        names = [str(name) for name in state["names"]]
        ridge, kernel = (_loaded(state, part, len(names)) for part in ("ridge", "kernel"))
        cuts = [state[f"cut_{i}"] for i in range(self._settings.cuts) if f"cut_{i}" in state]
        cells = CellMeans(cuts, len(names))
        cells.n, cells.sy = np.array(state["cells_n"]), np.array(state["cells_sy"])
        self._memory.load({key[7:]: state[key] for key in state if key.startswith("memory_")})
        self._names, self._ridge, self._cells, self._kernel = names, ridge, cells, kernel
        self._landmarks = Landmarks(state["landmarks"], state["landmarks_root"])
        self._basis = Basis(state["basis_mean"], state["basis_directions"])
        self._table = None
        self._next_renewal = int(state["next_renewal"])

    def _position(self, arm: str) -> int:
        if arm not in self._names:
            self._names.append(arm)
            self._ridge.add_arm()
            self._cells.add_arm()
            self._kernel.add_arm()
        return self._names.index(arm)

    def _positions(self, arms: Sequence[str]) -> list[int]:
        known = {name: position for position, name in enumerate(self._names)}
        return [known.get(arm, -1) for arm in arms]

    def _means(self) -> FloatArray:
        """Each arm's mean quality, shrunk to the prior, shape (K,)."""
        ridge = self._ridge
        means: FloatArray = (BIAS_PENALTY * ridge.prior[0] + ridge.sy) / (BIAS_PENALTY + ridge.n)
        return means

    def _fitted_ridge(self, z: FloatArray, grid: FloatArray) -> ArmRidge:
        memory, arms = self._memory, len(self._names)
        chosen = [memory.arm == arm for arm in range(arms)]
        rows = [(z[memory.row[mine]], memory.y[mine], memory.weight[mine]) for mine in chosen]
        l2 = np.full(z.shape[1], BIAS_PENALTY)
        if z.shape[1] > 1:
            l2[1:] = leave_one_out_penalty(((zs[:, 1:], y) for zs, y, _ in rows), grid)
        means = [y.mean() for _, y, _ in rows if len(y) > 0]
        prior = np.zeros(z.shape[1])
        prior[0] = (UNTRIED_QUALITY + sum(means)) / (1 + len(means))
        ridge = ArmRidge(arms, l2, prior)
        for arm, (zs, y, weight) in enumerate(rows):
            ridge.add(arm, zs, y, weight)
        ridge.refactor()
        return ridge

    def _fitted_cells(self, points: FloatArray) -> CellMeans:
        memory, arms, chosen = self._memory, len(self._names), self._settings
        count = max(min(chosen.cells, len(points) // chosen.rows_per_cell), 1)
        cuts = [
            lloyd(points, count, np.random.default_rng([self._seed, number]))
            for number in range(chosen.cuts)
        ]
        cells = CellMeans(cuts, arms)
        located = cells.locate(points)
        for arm in range(arms):
            mine = memory.arm == arm
            cells.add(arm, located[memory.row[mine]], memory.y[mine], memory.weight[mine])
        return cells


_RIDGE = ("l2", "prior", "A", "b", "n", "sy", "syy", "P", "theta")


def _untaught(arms: int, dim: int) -> ArmRidge:
    """A ridge that knows the prior of arms alone."""
    prior = np.zeros(dim)
    prior[0] = UNTRIED_QUALITY
    return ArmRidge(arms, np.full(dim, BIAS_PENALTY), prior)


def _loaded(state: Mapping[str, NDArray[Any]], part: str, arms: int) -> ArmRidge:
    ridge = ArmRidge(arms, state[f"{part}_l2"], state[f"{part}_prior"])
    for key in _RIDGE:
        setattr(ridge, key, np.array(state[f"{part}_{key}"]))
    return ridge
