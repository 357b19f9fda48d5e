"""Judges that err: how often each is right, learned where the truth came too; its errors taken out.

Key to the letters, of one judge:

    y     what it said of a decision, 0 to 1
    g     gold: what the decision really was, 0 to 1
    sens  sensitivity P(y = 1 | g = 1)
    spec  specificity P(y = 0 | g = 0)
    s     sens + spec − 1, by how much it tells good from bad: 1 always, 0 never

E[y | g] = (1 − spec) + s g, so q~ = (y − (1 − spec)) / s has the mean g: it is unbiased. It is not
clipped to 0 and 1, for what is clipped is biased again. Source of the correction: Rogan and Gladen
(1978), Estimating prevalence from the results of a screening test.

Var(q~) = Var(y) / s². A judge's yes or no and gold itself both have at most the variance of a fair
coin, so that next to gold q~ carries the information s², and that is its weight. The weight must
not depend on y, or the weighted mean were biased again. As s² q~² = (y − 1 + spec)², one opinion
never adds more to the sum of squares than gold does, however small s is.

Both are read off the line through the pairs (g, y): its height at g = 1 is sens, at g = 0 it is
1 − spec. Where gold is 0 or 1 that is counting; for gold between them counting by parts would draw
sens and spec together even for a judge that is always right, and the line does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.core.outcome import Taught

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.core.outcome import Lesson
    from metallm.router.standing import Said

PRIOR_RIGHT, PRIOR_WRONG = 2.0, 0.5
"""The prior of sens and of spec, Beta(2, 0.5): right four times in five, and worth 2.5 decisions.

Good LLM judges agree with people on about 80 % (Zheng et al. 2023, arXiv 2306.05685). It counts for
so little that a few gold judgements of each kind outweigh it.
"""

REFERENCE_RIGHT = 10.0
"""A reference is presumed right, in its word on others and in its own answers, as if ten of each
had been seen: without any gold it is all that is known, and a few wrong answers do not damn it.
"""

CLEAR = 1.645
"""Standard errors that s must be above 0: one-sided 95 %. Below that an opinion teaches nothing."""

OF_ITSELF = " of itself"
"""Added to a reference's name for lessons on its own answers."""

_Z95 = 1.959963984540054
_N, _GOLD_N, _W, _G, _GG, _Y, _GY = range(7)


@dataclass(frozen=True, slots=True)
class JudgeRecord:
    """What is known of a judge.

    Args:
        judge: its name.
        n: decisions that it judged.
        gold_n: those of them whose true quality is known as well.
        sensitivity: P(it says good | good).
        specificity: P(it says bad | bad).
        sensitivity_interval: 95 %, low and high; Wilson's, the prior counted in.
        specificity_interval: likewise.
        weight: what one opinion of it counts; 0 where it does not clearly tell good from bad.
    """

    judge: str
    n: int
    gold_n: int
    sensitivity: float
    specificity: float
    sensitivity_interval: tuple[float, float]
    specificity_interval: tuple[float, float]
    weight: float

    def corrected(self, quality: float) -> float:
        """q~ of what it said; of use only where its weight is above 0."""
        power = self.sensitivity + self.specificity - 1.0
        return (quality - (1.0 - self.specificity)) / power


class Judges:
    """The records of all judges, as sums over lessons.

    Args:
        reference: an arm whose answers are held against others' (`core.audit`). As a judge it is
            presumed right; its word on its own answer tells nothing of it, and how often those are
            right is told by gold alone.
    """

    def __init__(self, reference: str | None = None) -> None:
        self.reference = reference
        self._sums: dict[str, FloatArray] = {}

    def speaking(self, judge: str | None, arm: str) -> str | None:
        """A judge as the log names it: apart where a reference's word is on its own answer."""
        own = judge is not None and judge == arm == self.reference
        return f"{judge}{OF_ITSELF}" if own else judge

    def learn(self, lesson: Lesson) -> None:
        """Learn one lesson; one of the opposite weight takes it back."""
        sums = self._sums.setdefault(lesson.judge, np.zeros(7))
        sign = 1.0 if lesson.weight > 0.0 else -1.0
        if lesson.gold is None:
            sums[_N] += sign
            return
        said, gold, weight = lesson.said, lesson.gold, lesson.weight
        sums[_GOLD_N] += sign
        sums[_W:] += weight * np.array([1.0, gold, gold * gold, said, gold * said])

    def record(self, judge: str) -> JudgeRecord:
        """What is known of one judge; of an unknown one, the prior."""
        sums = self._sums.get(judge, np.zeros(7))
        trusted = judge == self.reference
        prior = (REFERENCE_RIGHT, 0.0) if trusted else (PRIOR_RIGHT, PRIOR_WRONG)
        (sens, on_good), (spec, on_bad) = _line(sums, *prior)
        power = sens + spec - 1.0
        # the variances of two Beta distributions with these means and counts
        error = sqrt(sens * (1.0 - sens) / (on_good + 1.0) + spec * (1.0 - spec) / (on_bad + 1.0))
        return JudgeRecord(
            judge,
            round(float(sums[_N])),
            round(float(sums[_GOLD_N])),
            sens,
            spec,
            _wilson(sens, on_good),
            _wilson(spec, on_bad),
            power * power if power > CLEAR * error else 0.0,
        )

    def records(self) -> dict[str, JudgeRecord]:
        """What is known of every judge, by name."""
        return {judge: self.record(judge) for judge in self._sums if not judge.endswith(OF_ITSELF)}

    def right_itself(self) -> float:
        """How often the reference's own answers are right, by gold; 1 where none is known."""
        sums = self._sums.get(f"{self.reference}{OF_ITSELF}", np.zeros(7))
        return float((REFERENCE_RIGHT + sums[_G]) / (REFERENCE_RIGHT + sums[_W]))

    def corrected(self, opinions: Mapping[str, Said]) -> Taught | None:
        """What all opinions on one decision teach together; None where that is nothing.

        Each q~ is unbiased, so any mean of them is; the one weighted by information varies least.
        Weights add up, as for judges whose errors have nothing to do with each other, and never to
        more than gold's: judges do err alike, so that many of them are not worth more than truth.

        Args:
            opinions: by judge, what it said.
        """
        total, weights = 0.0, 0.0
        for judge, said in opinions.items():
            if judge.endswith(OF_ITSELF):
                right = self.right_itself()
                quality, weight = right, said.weight * max(2.0 * right - 1.0, 0.0) ** 2
            else:
                record = self.record(judge)
                weight = said.weight * record.weight
                quality = record.corrected(said.quality) if weight > 0.0 else 0.0
            total += weight * quality
            weights += weight
        return Taught(total / weights, min(weights, 1.0)) if weights > 0.0 else None

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        return {
            "names": np.array(list(self._sums), dtype=np.str_),
            "sums": np.array(list(self._sums.values())).reshape(-1, 7),
        }

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state; from an empty one where none was saved yet."""
        if not state:
            self._sums = {}
            return
        names = (str(name) for name in state["names"])
        self._sums = {name: row.copy() for name, row in zip(names, state["sums"], strict=True)}


def _line(
    sums: FloatArray, right: float, wrong: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Sens and spec, each with the gold decisions that it rests on, the prior's included.

    The counts are 1 / Var of the line's height for errors of variance 1: with gold of 0 and 1 they
    are the numbers of good and of bad decisions.
    """
    each = right + wrong
    # as many good decisions as bad ones, and the judge right on `right` of both
    prior = np.array([2.0 * each, each, each, each, right])
    w, g, gg, y, gy = (float(total) for total in sums[_W:] + prior)
    mean_g, mean_y = g / w, y / w
    across = gg - w * mean_g * mean_g
    slope = (gy - w * mean_g * mean_y) / across
    low = mean_y - slope * mean_g
    on_good = 1.0 / (1.0 / w + (1.0 - mean_g) ** 2 / across)
    on_bad = 1.0 / (1.0 / w + mean_g**2 / across)
    return (_within(low + slope), on_good), (_within(1.0 - low), on_bad)


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share of n."""
    squared = _Z95 * _Z95
    middle = (share + squared / (2.0 * n)) / (1.0 + squared / n)
    half = _Z95 / (1.0 + squared / n) * sqrt(share * (1.0 - share) / n + squared / (4.0 * n * n))
    return _within(middle - half), _within(middle + half)
