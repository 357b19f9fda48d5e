"""The inner loops in numpy: one query or one outcome each, results written to `out`.

The letters are those of the learners (learners/ridge.py, learners/kernel.py). All arrays are of
float64, cells of int64; a context may be of float32. Wrong shapes raise ValueError, positions that
do not exist IndexError.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Indices = NDArray[np.intp]
    Numbers = NDArray[np.float64] | NDArray[np.float32]

FEW = 32
"""Arms up to which plain numbers beat numpy for a single query."""


class RidgeLoops:
    """What `ArmRidge` does for one query and one outcome, on its own arrays.

    Args:
        solved: P, and theta below it, shape (K, d + 1, d).
        sums: Σ w v vᵀ of v = (z, y, 1), shape (K, d + 2, d + 2).
        l2: shape (d,).
        prior: shape (d,).
        residual: shape (K,), computed here.
        variance: shape (K,), computed here.
        default_variance: of an arm without outcomes.
        variance_weight: outcomes that it counts for.
    """

    def __init__(
        self,
        solved: FloatArray,
        sums: FloatArray,
        l2: FloatArray,
        prior: FloatArray,
        residual: FloatArray,
        variance: FloatArray,
        default_variance: float,
        variance_weight: float,
    ) -> None:
        arms, d = len(solved), solved.shape[2]
        _check("solved", solved, (arms, d + 1, d))
        _check("sums", sums, (arms, d + 2, d + 2))
        _check("l2", l2, (d,))
        _check("prior", prior, (d,))
        _check("residual", residual, (arms,))
        _check("variance", variance, (arms,))
        self._solved, self._sums, self._l2, self._prior = solved, sums, l2, prior
        self._residual, self._variance = residual, variance
        self._weight, self._default = variance_weight, variance_weight * default_variance
        self._stale = set(range(arms))
        # where updates work: v, and an outer product for each stack
        self._v = np.ones(d + 2)
        self._sums_step, self._solved_step = np.empty((d + 2, d + 2)), np.empty((d + 1, d))

    def forget(self) -> None:
        """Have all residuals computed afresh."""
        self._stale = set(range(len(self._solved)))

    def refresh(self) -> None:
        """Compute residuals and variances of the arms that learned since.

        With (A + Λ) θ = b + Λ θ₀ a residual is syy − θᵀ (b + Λ (θ − θ₀)): no product with A.
        """
        d = len(self._l2)
        for arm in self._stale:
            theta, sums = self._solved[arm, d], self._sums[arm]
            explained = theta.dot(self._l2 * (theta - self._prior) + sums[d, :d])
            self._residual[arm] = left = max(float(sums[d, d]) - float(explained), 0.0)
            self._variance[arm] = (self._default + left) / (
                self._weight + float(sums[d + 1, d + 1])
            )
        self._stale.clear()

    def moments(self, z: FloatArray, out: FloatArray, with_error: int) -> None:
        """Estimates of a query and √(zᵀ P z), times σ where that is wanted.

        Args:
            z: shape (1, d).
            out: shape (2, 1, K).
            with_error: 1 where the second is the standard error √(σ² zᵀ P z).
        """
        arms, d = len(self._solved), len(self._l2)
        _check("z", z, (1, d))
        _check("out", out, (2, 1, arms))
        (row,) = z
        # the stack as one tall matrix: numpy then makes one call of BLAS instead of K
        moved = self._solved.reshape(-1, d).dot(row).reshape(-1, d + 1)
        squares = np.maximum(moved[:, :d].dot(row), 0.0)
        if with_error:
            self.refresh()
            squares *= self._variance
        out[0, 0] = moved[:, d]
        np.sqrt(squares, out=out[1, 0])

    def update(self, arm: int, z: FloatArray, y: float, weight: float) -> None:
        """Learn one outcome by a rank-one update.

        solved −= (P z, ŷ − y) (P z)ᵀ w / (1 + w zᵀ P z), and sums += w v vᵀ.

        Args:
            arm: position of the arm.
            z: shape (d,).
            y: the outcome.
            weight: above −1 / (zᵀ P z).
        """
        d = len(self._l2)
        _check("z", z, (d,))
        _check_place("arm", arm, len(self._solved))
        solved, sums, v = self._solved[arm], self._sums[arm], self._v
        moved = solved.dot(z)  # (P z, ŷ)
        Pz = moved[:d]
        step = Pz * (weight / (1.0 + weight * Pz.dot(z)))
        moved[d] -= y
        # an outer product as a product of matrices: BLAS takes half of broadcasting's time
        np.subtract(solved, moved[:, None].dot(step[None], out=self._solved_step), out=solved)
        v[:d] = z
        v[d] = y
        other = v if weight == 1.0 else weight * v
        np.add(sums, v[:, None].dot(other[None], out=self._sums_step), out=sums)
        self._stale.add(arm)


def gap_weights(
    reward: FloatArray, spread: FloatArray, out: FloatArray, gamma: float, optimism: float
) -> None:
    """SquareCB's probabilities (policies/squarecb.py).

    Args:
        reward: shape (n, K).
        spread: shape (n, K).
        out: shape (n, K).
        gamma: γ.
        optimism: standard errors added to rewards.
    """
    _check("spread", spread, reward.shape)
    _check("out", out, reward.shape)
    rows, count = reward.shape
    if count == 0:
        return
    if rows == 1 and count <= FEW:
        out[0] = _one_row(reward[0].tolist(), spread[0].tolist(), gamma, optimism)
        return
    place = np.arange(rows)
    hoped = reward + optimism * spread
    best = hoped.argmax(axis=1)
    gaps = hoped[place, best][:, None] - hoped
    out[:] = 1.0 / (count + gamma * gaps)
    out[place, best] = 0.0
    out[place, best] = 1.0 - out.sum(axis=1)


def _one_row(
    reward: list[float], spread: list[float], gamma: float, optimism: float
) -> list[float]:
    """The same for one query, in numbers instead of arrays: a tenth of numpy's calls."""
    hoped = [mean + optimism * error for mean, error in zip(reward, spread, strict=True)]
    top = max(hoped)
    best = hoped.index(top)
    count = len(hoped)
    weights = [1.0 / (count + gamma * (top - each)) for each in hoped]
    weights[best] = 0.0
    weights[best] = 1.0 - sum(weights)
    return weights


def uniform(seed: int, index: int) -> float:
    """A number in [0, 1) with 53 random bits: BLAKE2b of the index, the seed its key.

    Args:
        seed: any; taken modulo 2^64.
        index: 0 to 2^64 − 1.
    """
    digest = blake2b(
        index.to_bytes(8, "little"), digest_size=8, key=(seed % 2**64).to_bytes(8, "little")
    ).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def draw(probabilities: FloatArray, u: float) -> int:
    """The position that a uniform draw u picks from probabilities of shape (K,).

    Never a position of probability 0.
    """
    if probabilities.ndim != 1:
        raise ValueError(f"probabilities must have 1 dimension, not {probabilities.ndim}")
    values = probabilities.tolist()
    if not any(value > 0.0 for value in values):
        raise ValueError("no arm has a probability above 0")
    cumulative = list(accumulate(values))
    picked = bisect_right(cumulative, u * cumulative[-1])
    if picked < len(values):
        return picked
    # u just below 1 can round up past the end; the last arm with any probability is meant
    return max(place for place, value in enumerate(values) if value > 0.0)


def project(context: Numbers, mean: FloatArray, directions: FloatArray, out: FloatArray) -> None:
    """(1, Vᵀ(x − m)) of one context.

    Args:
        context: shape (1, D), float32 or float64.
        mean: shape (D,).
        directions: shape (D, d).
        out: shape (1, d + 1).
    """
    _check("context", context, (1, len(mean)))
    _check("out", out, (1, directions.shape[1] + 1))
    out[:, 0] = 1.0
    np.matmul(context - mean, directions, out=out[:, 1:])


def locate(point: FloatArray, doubled: FloatArray, squares: FloatArray, out: Indices) -> None:
    """The cell of a point in each cut.

    Args:
        point: shape (1, d).
        doubled: centres times −2, shape (d, number of cuts · cells of each).
        squares: of the centres' lengths, in the same order.
        out: shape (1, number of cuts).
    """
    dim, size = doubled.shape
    _check("point", point, (1, dim))
    _check("squares", squares, (size,))
    cuts = out.shape[1]
    if cuts == 0 or size < cuts or size % cuts:
        raise ValueError(f"{size} cells cannot be cut {cuts} times alike")
    distances = point @ doubled
    distances += squares
    cells = size // cuts
    np.argmin(distances.reshape(1, cuts, cells), axis=2, out=out)
    out += np.arange(cuts) * cells


def looked_up(table: FloatArray, cells: Indices, out: FloatArray) -> None:
    """Mean over the cuts of each cell's row of a table.

    Args:
        table: shape (all cells, K).
        cells: shape (1, number of cuts).
        out: shape (1, K).
    """
    _check("out", out, (1, table.shape[1]))
    np.sum(table[cells], axis=1, out=out)
    out /= cells.shape[1]


def count(n: FloatArray, sy: FloatArray, cells: Indices, arm: int, y: float, weight: float) -> None:
    """Add an outcome of an arm to its cells.

    Args:
        n: Σ w, shape (K, all cells).
        sy: Σ w y, shape (K, all cells).
        cells: shape (number of cuts,), each another.
        arm: position of the arm.
        y: the outcome.
        weight: w.
    """
    _check_place("arm", arm, len(n))
    n[arm, cells] += weight
    sy[arm, cells] += weight * y


def shrunk(
    n: FloatArray, sy: FloatArray, means: FloatArray, out: FloatArray, shrinkage: float
) -> None:
    """Means of cells, shrunk to each arm's: (sy + shrinkage · mean) / (n + shrinkage).

    Args:
        n: shape (K, all cells).
        sy: shape (K, all cells).
        means: shape (K,).
        out: shape (all cells, K).
        shrinkage: outcomes that an arm's mean counts for.
    """
    np.divide(sy.T + shrinkage * means, n.T + shrinkage, out=out)


def kernel_predict(
    x: FloatArray,
    points: FloatArray,
    squares: FloatArray,
    folded: FloatArray,
    theta: FloatArray,
    out: FloatArray,
    scale: float,
) -> None:
    """Estimates by the kernel exp(−scale |x − z|²).

    Args:
        x: shape (1, d).
        points: Z, shape (m, d).
        squares: of their lengths, shape (m,).
        folded: shape (K, m).
        theta: shape (K, m + 1), of which the first column counts: the bias.
        out: shape (1, K).
        scale: 1 / 2w².
    """
    np.matmul(near(x, points, squares, scale), folded.T, out=out)
    out += theta[:, 0]


def kernel_update(
    x: FloatArray,
    points: FloatArray,
    squares: FloatArray,
    root: FloatArray,
    P: FloatArray,
    theta: FloatArray,
    folded: FloatArray,
    arm: int,
    y: float,
    weight: float,
    scale: float,
) -> None:
    """Learn one outcome of a context.

    Args:
        x: shape (d,).
        points: Z, shape (m, d).
        squares: of their lengths, shape (m,).
        root: K^(−½), shape (m, m).
        P: shape (K, m + 1, m + 1), symmetric. The compiled loops read and write its lower half
            alone.
        theta: shape (K, m + 1).
        folded: shape (K, m).
        arm: position of the arm.
        y: the outcome.
        weight: 1, or −1 to take it back.
        scale: 1 / 2w².
    """
    _check_place("arm", arm, len(P))
    phi = np.empty(P.shape[1])
    phi[0] = 1.0
    np.matmul(near(x[None], points, squares, scale)[0], root, out=phi[1:])
    through = P[arm] @ phi
    gain = weight / (1.0 + weight * float(phi @ through))
    step = through * (gain * (y - float(phi @ theta[arm])))
    theta[arm] += step
    folded[arm] += root @ step[1:]
    # by its root, the product is symmetric to the bit
    through *= np.sqrt(abs(gain))
    product = np.multiply(through[:, None], through)
    if gain < 0.0:
        P[arm] += product
    else:
        P[arm] -= product


def near(x: FloatArray, points: FloatArray, squares: FloatArray, scale: float) -> FloatArray:
    """exp(−scale |x − z|²) of n contexts and m points, x of shape (n, d) gives (n, m)."""
    squared = x @ points.T
    squared *= -2.0
    squared += squares
    squared += (x * x).sum(axis=1)[:, None]
    np.maximum(squared, 0.0, out=squared)
    squared *= -scale
    values: FloatArray = np.exp(squared, out=squared)
    return values


def _check(name: str, array: Numbers, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, not {shape}")


def _check_place(name: str, place: int, count: int) -> None:
    if not 0 <= place < count:
        raise IndexError(f"{name} {place} is not one of {count}")
