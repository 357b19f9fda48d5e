"""What it tells that an arm is sure of its answer: by its own record, for many are sure of all.

An arm's log probabilities give its own distribution h over the labels; a is the one it named, and
s = log h(a) / (1 − h(a)). Whether it was right is known once the label y is, and where it was not,
how well h tells of the others:

    odds(the arm is right | q, s) = odds(q)^u₁ · exp(u₂ (s − s̄) + u₃ − u₄)
    P(y | the arm is wrong) ∝ h(y)^v,  y ≠ a

q is the quality that was expected of it on this query, s̄ the mean of s so far. The weights are
those under which what came would have been likeliest, for each arm, none below 0, drawn to
u = (1, 0, 0, 0) and v = 0: until its record says otherwise an arm's certainty is worth nothing, and
that of one that is as sure where it errs never is. Given the answer, s is evidence of its own: its
ratio of likelihoods is odds(q') / odds(q), q' being how likely the arm is right by the first line.

No weight comes out at 0 by chance alone: of what u₂ and v say the part max(0, 1 − 2 / z²) counts, z
being the weight over its standard error. So certainty that tells nothing adds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners.pool import CAPACITY, Pool, softmax

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.core.classes import Likely

PRIORS = {"right": np.array([1.0, 0.0, 0.0, 0.0]), "second": np.zeros(1)}
"""u and v, before any answer was judged."""

DOUBT = 2.0
"""z² of a weight that is not believed at all: where it would make nothing better (Akaike 1974)."""

LEAST_SHARE = 1e-4
"""An arm's word is taken for no surer than that: what is left is mostly rounding."""

LEAST_QUALITY = 0.02
"""An expected quality is taken for no nearer to 0 or 1."""

_WRONG, _RIGHT = range(2)


class Sureness:
    """The records of arms.

    Args:
        pull: judged answers that the prior counts for, in each arm.
        common: records over more tasks, which these are drawn to; None for `PRIORS`.
    """

    def __init__(self, pull: float, common: Sureness | None = None) -> None:
        self._pull = pull
        self._common = common
        self._arms: dict[str, dict[str, Pool]] = {}
        self._means: dict[str, tuple[float, int]] = {}

    def quality(self, arm: str, quality: float, share: float) -> float:
        """How likely an answer is right whose arm gave its label this share: q'.

        Args:
            arm: who answered.
            quality: expected of it before, 0 to 1.
            share: of the label that it named, 0 to 1.
        """
        moved = self._moved(arm, quality, share)
        return _sigmoid(_log_odds(quality) + moved) if moved else quality

    def evidence(self, arm: str, quality: float, shares: FloatArray, place: int) -> FloatArray:
        """What an arm's certainty adds to its answer, in logarithms, shape (L,).

        Args:
            arm: who answered.
            quality: expected of it before, 0 to 1.
            shares: shape (L,), its own distribution, none of them 0.
            place: of the label that it named.
        """
        others = np.delete(np.arange(len(shares)), place)
        told = np.empty(len(shares))
        weights, part = self._weights(arm, "second", 0)
        second = softmax(part * weights @ np.log(shares[others])[None])
        told[others] = np.log(second * len(others))
        told[place] = self._moved(arm, quality, float(shares[place]))
        return told

    def learn(
        self,
        name: str,
        arm: str,
        quality: float,
        shares: FloatArray,
        places: tuple[int, int],
        weight: float,
    ) -> None:
        """Learn whether an answer was right.

        Args:
            name: of the query, by which it can be taken back.
            arm: who answered.
            quality: expected of it before.
            shares: shape (L,), its own distribution, none of them 0.
            places: of the label that it named, and of the true one.
            weight: what it counts.
        """
        said, truth = places
        right = self._pool(arm, "right")
        self._means[arm] = mean, _ = self._mean_with(arm, float(shares[said]))
        telling = _telling(quality, float(shares[said]), mean)
        right.add(name, telling, int(said == truth), weight)
        if said != truth:
            others = np.delete(np.log(shares), said)[None]
            self._pool(arm, "second").add(name, others, truth - (truth > said), weight)

    def take_back(self, name: str, arm: str) -> None:
        """Forget an answer, if it is still there."""
        for pool in self._arms.get(arm, {}).values():
            pool.take_back(name)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays; nothing where nothing was learned."""
        if not self._arms:
            return {}
        state: dict[str, NDArray[Any]] = {
            "arms": np.array(list(self._arms), dtype=np.str_),
            "means": np.array([self._means[arm] for arm in self._arms]),
        }
        for number, pools in enumerate(self._arms.values()):
            for part, pool in pools.items():
                state |= {f"{part}{number}.{key}": value for key, value in pool.state().items()}
        return state

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        self._arms, self._means = {}, {}
        for number, arm in enumerate(state["arms"].tolist()):
            mean, count = state["means"][number].tolist()
            self._means[str(arm)] = mean, int(count)
            self._arms[str(arm)] = made = {}
            for part, prior in PRIORS.items():
                start = f"{part}{number}."
                saved = {key[len(start) :]: state[key] for key in state if key.startswith(start)}
                made[part] = Pool(prior, self._pull)
                made[part].load(saved)

    def _moved(self, arm: str, quality: float, share: float) -> float:
        """What is added to the logarithm of an answer's odds: log odds(q') − log odds(q)."""
        weights, part = self._weights(arm, "right", 1)
        mean, _ = self._mean(arm)
        wrong, right = (weights @ _telling(quality, share, mean)).tolist()
        return float(part * (right - wrong - _log_odds(quality))) if part else 0.0

    def _weights(self, arm: str, kind: str, telling: int) -> tuple[FloatArray, float]:
        """An arm's weights of a kind, and the part of what one of them says that is believed."""
        pool = self._known(arm, kind)
        if pool is None:
            return PRIORS[kind], 0.0
        weight, error = float(pool.weights[telling]), float(pool.errors[telling])
        doubt = DOUBT * error * error
        return pool.weights, 1.0 - doubt / (weight * weight) if weight * weight > doubt else 0.0

    def _mean(self, arm: str) -> tuple[float, int]:
        """The mean of s of an arm, and of how many answers."""
        if arm in self._means or self._common is None:
            return self._means.get(arm, (0.0, 0))
        return self._common._mean(arm)  # noqa: SLF001 - one of us

    def _mean_with(self, arm: str, share: float) -> tuple[float, int]:
        """The same after one answer more, which need not be taken back: it tells of no label."""
        mean, count = self._mean(arm)
        count = min(count + 1, CAPACITY)
        return mean + (_log_odds(share, LEAST_SHARE) - mean) / count, count

    def _known(self, arm: str, kind: str) -> Pool | None:
        """An arm's pool, here or over more tasks; None where it never answered."""
        if arm in self._arms:
            return self._arms[arm][kind]
        return None if self._common is None else self._common._known(arm, kind)  # noqa: SLF001

    def _pool(self, arm: str, kind: str) -> Pool:
        """An arm's pool to learn in, drawn to what is known by now over more tasks."""
        common = None if self._common is None else self._common._known(arm, kind)  # noqa: SLF001
        if arm not in self._arms:
            self._arms[arm] = {each: self._begun(arm, each) for each in PRIORS}
        pool = self._arms[arm][kind]
        if common is not None:
            pool.prior = common.weights
        return pool

    def _begun(self, arm: str, kind: str) -> Pool:
        known = self._known(arm, kind)
        pool = Pool(PRIORS[kind] if known is None else known.weights, self._pull)
        if known is not None:
            pool.errors = known.errors
        return pool


def shares_of(likely: Likely, labels: Sequence[str]) -> FloatArray:
    """An arm's own distribution over the labels, shape (L,), none below `LEAST_SHARE`."""
    told = dict(likely)
    unmet = sum(label not in told for label in labels)
    rest = max(1.0 - sum(told.values()), 0.0) / max(unmet, 1)
    shares = np.array([told.get(label, rest) for label in labels])
    clipped: FloatArray = np.clip(shares, LEAST_SHARE, 1.0 - LEAST_SHARE)
    return clipped


def _telling(quality: float, share: float, mean: float) -> FloatArray:
    """What tells whether an answer is wrong, and right, shape (4, 2)."""
    told: FloatArray = np.zeros((4, 2))
    told[0, _RIGHT] = _log_odds(quality)
    told[1, _RIGHT] = _log_odds(share, LEAST_SHARE) - mean
    told[2, _RIGHT] = told[3, _WRONG] = 1.0
    return told


def _sigmoid(x: float) -> float:
    return float(0.5 * (1.0 + np.tanh(0.5 * x)))


def _log_odds(chance: float, least: float = LEAST_QUALITY) -> float:
    chance = min(max(chance, least), 1.0 - least)
    return float(np.log(chance / (1.0 - chance)))
