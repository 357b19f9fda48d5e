"""What an answer will cost: the list price of a standard answer, times a learned ratio.

The logarithm of (billed cost / list price of a standard answer) is regressed per arm on the query's
length and its cheap features. So a new arm is predicted by its price at once, a changed price
counts at once, and how verbose an arm is on which queries is learned. The expectation of a
log-normal is exp(μ + σ²/2), with σ² the arm's residual variance.

An arm without a list price is regressed on a unit price instead; until a cost of it was seen, its
cost is unknown (NaN), never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from metallm import inner
from metallm.core.price import Price, list_cost_usd
from metallm.learners.ridge import ArmRidge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray

_Tokens = TypeVar("_Tokens", float, "FloatArray")

UNIT_PRICE = Price(input=1.0, output=1.0)
"""Stands in for a list price that is unknown; only the ratio to it is learned."""

LEAST_RATIO = 1e-4
"""A bill of 0 for an arm with a price (a free tier, a full cache) counts as this ratio."""

MOST_SPREAD = 2.0
"""Upper bound of σ² in the expectation: a few odd bills must not blow it up."""

MEAN_LENGTH = 4.0
"""Logarithm of a query's tokens that counts as 0."""

BIAS_PENALTY = 0.1
LENGTH_PENALTY = 3.0
FEATURE_PENALTY = 10.0
MEAN_WEIGHT = 20.0
"""Bills after which an arm's mean cost is taken from them more than from the prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is known of K arms: exp(z · theta + shift) is the expected ratio.

    Args:
        theta: shape (d, K).
        shift: shape (K,).
        unit: shape (K,), True where the ratio is to the unit price; None where it is for no arm.
    """

    theta: FloatArray
    shift: FloatArray
    unit: NDArray[np.bool_] | None


class CostLearner:
    """Expected cost in USD per query and arm.

    Args:
        features: how many of a context's last entries are cheap features; 0 for none.
    """

    def __init__(self, features: int) -> None:
        self._features = features
        self._places: dict[str, int] = {}
        l2 = np.concatenate([[BIAS_PENALTY, LENGTH_PENALTY], np.full(features, FEATURE_PENALTY)])
        self._ridge = ArmRidge(0, l2, np.zeros(len(l2)))
        self._billed = np.zeros(0)
        self._listed = np.zeros(0)
        # for the arms that were last asked about; empty once something is learned
        self._asked: dict[tuple[str, ...], _Asked] = {}

    def estimate(
        self, contexts: Context, input_tokens: FloatArray, arms: Sequence[str], list_usd: FloatArray
    ) -> FloatArray:
        """Expected USD, shape (n, K); NaN for an arm without a price whose cost was never seen.

        Args:
            contexts: shape (n, D).
            input_tokens: shape (n,).
            arms: K names.
            list_usd: shape (n, K), list price of a standard answer; NaN where unknown.
        """
        names = tuple(arms)
        known = self._asked.get(names)
        if known is None:
            known = self._of(names)
            self._asked = {names: known}
        if known.unit is not None:
            list_usd = np.where(known.unit, _unit_usd(input_tokens)[:, None], list_usd)
        if len(contexts) == 1:
            cost = np.empty(list_usd.shape)
            length = _length(float(input_tokens[0]))
            inner.expected_costs(contexts, known.theta, known.shift, list_usd, cost, length)
            return cost
        cost = self._z(contexts, input_tokens) @ known.theta
        cost += known.shift
        np.exp(cost, out=cost)
        cost *= list_usd
        return cost

    def mean_usd(self, arms: Sequence[str], list_usd: FloatArray) -> FloatArray:
        """Mean USD of each arm over queries, shape (K,); the more bills, the more they count.

        Args:
            arms: K names.
            list_usd: shape (K,), list price of a standard answer to a query of mean size.
        """
        means: FloatArray = list_usd * self._pooled_ratio()
        if not self._places:
            return means
        positions = self._positions(arms)
        n = np.where(positions < 0, 0.0, self._ridge.n[positions])
        seen = self._billed[positions] / np.maximum(n, 1.0)
        share = n / (n + MEAN_WEIGHT)
        mixed = np.where(np.isnan(means), seen, share * seen + (1.0 - share) * means)
        return np.where(n > 0.0, mixed, means)

    def update(
        self,
        context: Context,
        input_tokens: float,
        arm: str,
        cost_usd: float,
        list_usd: float | None,
    ) -> None:
        """Learn one bill. A bill of an arm that costs nothing by its price teaches nothing."""
        position = self._position(arm, list_usd)
        if math.isnan(self._listed[position]):
            base = _unit_usd(input_tokens)
        else:
            base = 0.0 if list_usd is None else list_usd
        if not base > 0.0:
            return
        self._asked = {}
        z = self._one(context, input_tokens)
        self._ridge.update(position, z, math.log(max(cost_usd / base, LEAST_RATIO)))
        self._billed[position] += cost_usd

    def fit(
        self,
        contexts: Context,
        input_tokens: FloatArray,
        arms: Sequence[str],
        cost_usd: FloatArray,
        list_usd: FloatArray,
    ) -> None:
        """Learn recorded bills, shapes as in `estimate`; NaN where a bill is unknown."""
        z = self._z(contexts, input_tokens)
        self._asked = {}
        alike: dict[bytes, list[tuple[int, int]]] = {}
        ratio = np.full(cost_usd.shape, np.nan)
        for column, arm in enumerate(arms):
            bills = cost_usd[:, column]
            seen = ~np.isnan(bills)
            if not seen.any():
                continue
            listed = list_usd[:, column]
            position = self._position(arm, None if np.isnan(listed).any() else float(listed[0]))
            base = self._base(position, input_tokens, listed)
            seen &= base > 0.0
            alike.setdefault(seen.tobytes(), []).append((position, column))
            ratio[seen, column] = np.log(np.maximum(bills[seen] / base[seen], LEAST_RATIO))
            self._billed[position] += bills[seen].sum()
        # arms that were billed for the same queries share what depends on the queries alone
        for members in alike.values():
            seen = ~np.isnan(ratio[:, members[0][1]])
            columns = [column for _, column in members]
            shared = z if seen.all() else z[seen]
            self._ridge.add_set([each for each, _ in members], shared, ratio[seen][:, columns])
        self._ridge.refactor()

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "names": np.array(list(self._places), dtype=np.str_),
            "billed": self._billed.copy(),
            "listed": self._listed.copy(),
            **{key: getattr(self._ridge, key).copy() for key in _SAVED},
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        names = [str(name) for name in state["names"]]
        ridge = ArmRidge(len(names), self._ridge.l2, self._ridge.prior)
        for key in _SAVED:
            setattr(ridge, key, np.array(state[key]))
        self._places = {name: place for place, name in enumerate(names)}
        self._ridge, self._asked = ridge, {}
        self._billed, self._listed = np.array(state["billed"]), np.array(state["listed"])

    def _z(self, contexts: Context, input_tokens: FloatArray) -> FloatArray:
        z = np.ones((len(contexts), len(self._ridge.l2)))
        z[:, 1] = np.log1p(input_tokens) - MEAN_LENGTH
        if self._features:
            z[:, 2:] = contexts[:, -self._features :]
        return z

    def _one(self, context: Context, input_tokens: float) -> FloatArray:
        """`_z` of one query, shape (d,)."""
        z = np.empty(len(self._ridge.l2))
        z[0], z[1] = 1.0, _length(input_tokens)
        if self._features:
            z[2:] = context[-self._features :]
        return z

    def _of(self, arms: tuple[str, ...]) -> _Asked:
        """The logarithm of the expected ratio of some arms, as a function of z."""
        ridge = self._ridge
        positions = self._positions(arms)
        theta, unit = ridge.theta, np.isnan(self._listed)
        shift = np.minimum(ridge.residual() / np.maximum(ridge.n, 1.0), MOST_SPREAD) / 2.0
        if positions.min(initial=0) < 0:
            # it picks the last row: an arm never billed has the pooled ratio everywhere
            theta = np.vstack([theta, np.zeros(len(ridge.l2))])
            shift, unit = np.append(shift, np.log(self._pooled_ratio())), np.append(unit, False)
        theta, shift, unit = theta[positions], shift[positions], unit[positions]
        return _Asked(np.ascontiguousarray(theta.T), shift, unit if unit.any() else None)

    def _pooled_ratio(self) -> float:
        """Ratio for an arm never billed: the mean of those that were, by their list prices."""
        ridge = self._ridge
        priced = ~np.isnan(self._listed) & (ridge.n > 0)
        if not priced.any():
            return 1.0
        return float(np.exp((ridge.sy[priced] / ridge.n[priced]).mean()))

    def _base(self, position: int, input_tokens: FloatArray, list_usd: FloatArray) -> FloatArray:
        if np.isnan(self._listed[position]):
            return _unit_usd(input_tokens)
        return np.nan_to_num(list_usd, nan=0.0)

    def _position(self, arm: str, list_usd: float | None) -> int:
        """The arm's position; its first bill settles for good whether its price is a list price."""
        if arm not in self._places:
            self._places[arm] = len(self._places)
            self._ridge.add_arm()
            self._billed = np.append(self._billed, 0.0)
            self._listed = np.append(self._listed, _number(list_usd))
        return self._places[arm]

    def _positions(self, arms: Sequence[str]) -> NDArray[np.intp]:
        """Of K arms, shape (K,); −1 for one never billed."""
        return np.array([self._places.get(arm, -1) for arm in arms], dtype=np.intp)


def _length(input_tokens: float) -> float:
    return math.log1p(input_tokens) - MEAN_LENGTH


def _unit_usd(input_tokens: _Tokens) -> _Tokens:
    return list_cost_usd(UNIT_PRICE, 0.0) + input_tokens * UNIT_PRICE.input / 1e6


def _number(value: float | None) -> float:
    return np.nan if value is None else value


_SAVED = ("A", "b", "n", "sy", "syy", "P", "theta")
