"""One distribution over labels from several opinions: a conditional logit (McFadden 1974).

    score(y) = Σ_j w_j · f_j(y),    P(y) ∝ exp score(y)

f_j(y) is what opinion j says for label y, in logarithms. The weights are those under which the true
labels would have been likeliest, with a pull towards a prior; since every f was written down before
its label was known, P is calibrated by its own record: an opinion that was too sure of itself gets
a small weight, one that knows nothing none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray

CAPACITY = 1000
"""Rows that are kept, the newest: an opinion's worth may change."""

FIRST_FIT = 20
GROWTH = 1.2
MOST_BETWEEN = 100
"""Fits come when rows have grown by a fifth, and after so many rows at the latest."""

STEPS = 20
ENOUGH = 1e-4


class Pool:
    """Weights of opinions, learned from rows whose label became known.

    Args:
        prior: shape (J,), the weights that are believed before any row.
        pull: rows, about, that the prior counts for.

    Attributes:
        weights: shape (J,).
        prior: shape (J,); may be moved at any time, and counts from the next fit on.
        errors: shape (J,), standard errors of the weights by the last fit; infinite before it.
    """

    def __init__(self, prior: FloatArray, pull: float) -> None:
        self.weights: FloatArray = np.array(prior, dtype=np.float64)
        self.prior: FloatArray = self.weights.copy()
        self.errors: FloatArray = np.full(len(self.weights), np.inf)
        self._pull = pull
        self._rows: dict[str, tuple[FloatArray, int, float]] = {}
        self._added = 0
        self._next = FIRST_FIT

    def __len__(self) -> int:
        return len(self._rows)

    def chances(self, opinions: FloatArray) -> FloatArray:
        """P(y), shape (L,), from what J opinions say, shape (J, L)."""
        return softmax(self.weights @ opinions)

    def add(self, name: str, opinions: FloatArray, truth: int, weight: float = 1.0) -> None:
        """One more row.

        Args:
            name: what the row can be taken back by; one of the same name takes its place.
            opinions: shape (J, L), from before the label was known.
            truth: place of the true label.
            weight: what the row counts.
        """
        self._rows.pop(name, None)
        self._rows[name] = (opinions.astype(np.float64), truth, weight)
        if len(self._rows) > CAPACITY:
            del self._rows[next(iter(self._rows))]
        self._added += 1
        if self._added >= self._next:
            self.fit()

    def take_back(self, name: str) -> None:
        """Forget a row, if it is still there."""
        if self._rows.pop(name, None) is not None:
            self.fit()

    def fit(self) -> None:
        """Newton's method on the penalised likelihood; weights below 0 are not allowed."""
        added = self._added
        self._next = added + min(max(int(added * (GROWTH - 1.0)), 1), MOST_BETWEEN)
        batches = list(self._batches())
        weights = self.weights
        weights = self.weights
        for _ in range(STEPS):
            gradient, curvature = self._slopes(weights, batches)
            step: FloatArray = np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
            moved: FloatArray = np.maximum(weights - step, 0.0)
            done = float(np.abs(moved - weights).max()) < ENOUGH
            weights = moved
            if done:
                break
        self.weights = weights
        self.errors = np.sqrt(np.diag(np.linalg.inv(curvature)))

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        rows = list(self._rows.values())
        flat = [opinions.ravel() for opinions, _, _ in rows]
        return {
            "weights": self.weights.copy(),
            "prior": self.prior.copy(),
            "errors": self.errors.copy(),
            "counts": np.array([self._added, self._next]),
            "names": np.array(list(self._rows), dtype=np.str_),
            "opinions": np.concatenate(flat) if flat else np.zeros(0),
            "labels": np.array([opinions.shape[1] for opinions, _, _ in rows], dtype=np.int64),
            "truth": np.array([truth for _, truth, _ in rows], dtype=np.int64),
            "weight": np.array([weight for _, _, weight in rows]),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        count = len(state["weights"])
        ends = np.cumsum(count * state["labels"])[:-1]
        parts = np.split(state["opinions"], ends) if len(state["labels"]) else []
        numbers = zip(state["truth"].tolist(), state["weight"].tolist(), strict=True)
        self._rows = {
            str(name): (part.reshape(count, -1), truth, weight)
            for name, part, (truth, weight) in zip(state["names"], parts, numbers, strict=True)
        }
        self._added, self._next = (int(number) for number in state["counts"])
        self.weights, self.prior = state["weights"].copy(), state["prior"].copy()
        # what was saved by earlier versions has none
        self.errors = state.get("errors", np.full(count, np.inf)).copy()

    def _batches(self) -> Iterator[tuple[FloatArray, NDArray[np.int64], FloatArray]]:
        """Rows of equally many labels, stacked: opinions (n, J, L), truths (n,), weights (n,)."""
        by_labels: dict[int, list[tuple[FloatArray, int, float]]] = {}
        for row in self._rows.values():
            by_labels.setdefault(row[0].shape[1], []).append(row)
        for rows in by_labels.values():
            opinions, truth, weight = zip(*rows, strict=True)
            yield np.stack(opinions), np.array(truth), np.array(weight)

    def _slopes(
        self,
        weights: FloatArray,
        batches: list[tuple[FloatArray, NDArray[np.int64], FloatArray]],
    ) -> tuple[FloatArray, FloatArray]:
        """Gradient, shape (J,), and curvature, shape (J, J), of what is made small."""
        gradient: FloatArray = self._pull * (weights - self.prior)
        curvature: FloatArray = self._pull * np.eye(len(weights))
        for opinions, truth, weight in batches:
            chance = softmax(np.einsum("j,njl->nl", weights, opinions))
            expected = np.einsum("njl,nl->nj", opinions, chance)
            said = opinions[np.arange(len(truth)), :, truth]
            gradient -= weight @ (said - expected)
            apart = (opinions - expected[:, :, None]) * np.sqrt(chance * weight[:, None])[:, None]
            curvature += np.einsum("njl,nkl->jk", apart, apart)
        return gradient, curvature


def softmax(scores: FloatArray) -> FloatArray:
    """exp(scores), scaled to sums of 1 along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    chances: FloatArray = raised / raised.sum(axis=-1, keepdims=True)
    return chances
