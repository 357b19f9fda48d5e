"""From finished streams to figures, with intervals over shuffles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifying.bench import (
    COST_WEIGHTS,
    SHIFT_WEIGHT,
    TOLD_ALL,
    Job,
    shifts_of,
    weights_of,
)
from metallm.evaluation.confidence import calibration
from metallm.evaluation.intervals import mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifying.bench import Bench
    from metallm.core.arrays import FloatArray
    from metallm.evaluation.intervals import Interval

LIMITS = {"overruling": 0.25}
"""Share of the best single model's cost that a file's headline may take; others half of it."""

USUAL_LIMIT = 0.5
WINDOW = 200
SHARE_WINDOW = 50
LUCKY_DRAWS = 2000


def limit_of(file: str) -> float:
    """The share of the best single model's cost that may be spent."""
    return LIMITS.get(file, USUAL_LIMIT)


def values(bench: Bench, file: str, setting: str, weight: float, figure: str) -> FloatArray:
    """A figure of each shuffle."""
    jobs = [Job(file, setting, weight, shuffle) for shuffle in range(bench.shuffles)]
    return np.array([bench.figures(job)[figure] for job in jobs], dtype=np.float64)


def gain(bench: Bench, file: str, setting: str, weight: float) -> Interval:
    """Points of accuracy above the best single model's, paired by shuffle."""
    own, best = (values(bench, file, setting, weight, each) for each in ("accuracy", "best"))
    return mean_interval(100.0 * (own - best))


def share(bench: Bench, file: str, setting: str, weight: float, *, whole: bool = False) -> Interval:
    """Cost as a share of the best single model's."""
    return mean_interval(values(bench, file, setting, weight, "share_whole" if whole else "share"))


def within(bench: Bench, file: str, setting: str, limit: float | None = None) -> float:
    """The cost weight that spends most within a limit; the highest where none does.

    By what was spent alone: what it bought is not looked at.

    Args:
        bench: what was run.
        file: name of the table.
        setting: name in `SETTINGS`.
        limit: share of the best single model's cost; None for the file's own.
    """
    weights = weights_of(setting)
    most = limit_of(file) if limit is None else limit
    for weight in weights:
        if share(bench, file, setting, weight).mean <= most:
            return weight
    return weights[-1]


def task_differences(bench: Bench, file: str, setting: str, weight: float) -> dict[str, Interval]:
    """By task, points of accuracy with students less those without, paired by shuffle."""
    found = {}
    for task in bench.tables[file].labels:
        pairs = [
            tuple(
                bench.figures(Job(file, each, weight, shuffle))["tasks"][task]
                for each in (setting, "routing")
            )
            for shuffle in range(bench.shuffles)
        ]
        found[task] = mean_interval([100.0 * (own - plain) for own, plain in pairs])
    return found


def student_calibration(bench: Bench) -> tuple[float, int]:
    """Expected calibration error of all answers that students gave alone, and how many."""
    sure: list[float] = []
    right: list[int] = []
    for job in bench.jobs():
        if not job.shift and job.setting in TOLD_ALL:
            found = bench.figures(job)
            sure += found["own_sure"]
            right += found["own_right"]
    if not sure:
        return float("nan"), 0
    return calibration(sure, np.array(right, dtype=bool)).expected_error, len(sure)


def student_times(bench: Bench) -> dict[str, float]:
    """By file, µs that a student's own answer takes, where one answered in every shuffle."""
    found = {}
    for file in bench.tables:
        weight = within(bench, file, "evidence")
        jobs = [Job(file, "student", weight, shuffle) for shuffle in range(bench.shuffles)]
        took = [bench.figures(job)["own_us"] for job in jobs]
        if None not in took:
            found[file] = float(np.median(took))
    return found


def shift_curves(
    bench: Bench, file: str
) -> Iterator[tuple[tuple[str, str], FloatArray, FloatArray]]:
    """Of each change of topic: accuracy with less without student, and the student's share.

    The first of each shuffle at each place of the stream, shape (S, n), the other its mean over
    shuffles, shape (n,).
    """
    for pair in shifts_of(bench.tables[file]):
        runs = [
            [bench.figures(Job(file, each, SHIFT_WEIGHT, shuffle, pair))
             for each in ("student", "routing")]
            for shuffle in range(bench.shift_shuffles)
        ]  # fmt: skip
        apart = [np.array(own["right"]) - np.array(plain["right"]) for own, plain in runs]
        yield pair, np.array(apart), np.mean([own["own"] for own, _ in runs], axis=0)


def rolling(curve: FloatArray, window: int) -> FloatArray:
    """Means over each `window` places in a row."""
    sums = np.cumsum(np.append(0.0, curve))
    means: FloatArray = (sums[window:] - sums[:-window]) / window
    return means


def worst_by_luck(apart: FloatArray, window: int) -> tuple[float, float]:
    """What the worst window would be, were there no difference: its mean, and its 5 % quantile.

    The shuffles' departures from their mean, each with a random sign (the worst of many windows is
    below 0 whatever is measured).

    Args:
        apart: shape (S, n).
        window: places in a row.
    """
    rng = np.random.default_rng(0)
    noise = apart - apart.mean(axis=0)
    signs = rng.choice([-1.0, 1.0], (LUCKY_DRAWS, len(apart)))
    worst = [rolling(each @ noise / len(apart), window).min() for each in signs]
    return float(np.mean(worst)), float(np.quantile(worst, 0.05))


def figures(bench: Bench) -> dict[str, float]:
    """What `--json` writes."""
    found: dict[str, float] = {}
    for file in bench.tables:
        weight = within(bench, file, "evidence")
        found[f"gain_points.{file}"] = gain(bench, file, "evidence", weight).mean
        found[f"cost_share.{file}"] = share(bench, file, "evidence", weight).mean
        found[f"cost_share_whole.{file}"] = share(bench, file, "evidence", weight, whole=True).mean
        least = min(
            each.mean
            for each in task_differences(bench, file, "evidence", COST_WEIGHTS[0]).values()
        )
        found[f"least_task_points.{file}"] = least
        for _, apart, _ in shift_curves(bench, file):
            worst = 100.0 * float(rolling(apart.mean(axis=0), WINDOW).min())
            found["shift_worst_points"] = min(found.get("shift_worst_points", 0.0), worst)
    times = student_times(bench)
    found |= {f"student_us.{file}": took for file, took in times.items()}
    if times:
        found["student_us"] = max(times.values())
    found |= _with_few_labels(bench)
    error, answers = student_calibration(bench)
    if answers:
        found["student_ece"] = error
    return found


def _with_few_labels(bench: Bench) -> dict[str, float]:
    """Figures of audits and of few labels; without a file's name those of the worst file."""
    found: dict[str, float] = {}
    for file in bench.tables:
        weight = within(bench, file, "audit", USUAL_LIMIT)
        found[f"audit_difference_points.{file}"] = gain(bench, file, "audit", weight).mean
        found[f"audit_cost_share.{file}"] = share(bench, file, "audit", weight).mean
        found[f"labels5_kept.{file}"] = labels_kept(bench, file)
    worst = min(bench.tables, key=lambda file: found[f"audit_difference_points.{file}"])
    found["audit_difference_points"] = found[f"audit_difference_points.{worst}"]
    found["audit_cost_share"] = found[f"audit_cost_share.{worst}"]
    found["labels5_kept"] = min(found[f"labels5_kept.{file}"] for file in bench.tables)
    return found


def labels_kept(bench: Bench, file: str) -> float:
    """What few labels keep of the points gained with all of them.

    All of them within the file's limit, few within `USUAL_LIMIT`.
    """
    few = gain(bench, file, "labels5", within(bench, file, "labels5", USUAL_LIMIT))
    every = gain(bench, file, "evidence", within(bench, file, "evidence"))
    return few.mean / every.mean
