"""The figures as a page of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifying.bench import COST_WEIGHTS, NEVER_ASK, SHIFT_HALF, SHIFT_WEIGHT, weights_of
from classifying.figures import (
    SHARE_WINDOW,
    WINDOW,
    gain,
    limit_of,
    rolling,
    share,
    shift_curves,
    student_calibration,
    student_times,
    task_differences,
    values,
    within,
    worst_by_luck,
)
from metallm.evaluation.intervals import mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifying.bench import Bench
    from metallm.evaluation.intervals import Interval

_NAMES = {
    "routing": "routing alone",
    "student": "with the student",
    "evidence": "student and evidence, 2 calls",
    "audit": "no label, audit by the best model",
    "labels5": "5 % of the labels, audit",
    "labels5 alone": "5 % of the labels, 2 calls, no audit",
}


def page(bench: Bench) -> str:
    """Everything that was measured."""
    return "\n".join([*_head(bench), *_gains(bench), *_tasks(bench), *_calibration(bench),
                      *_shifts(bench)]) + "\n"  # fmt: skip


def _head(bench: Bench) -> Iterator[str]:
    names = " ".join(f"{name}.parquet" for name in bench.tables)
    yield "# Learning the task itself"
    yield ""
    yield (
        "Recorded answers of real LLMs. Texts come one by one through the public `Router`, which "
        "starts knowing nothing and is told each true label after its answer, or none, or those "
        "of the twentieth that it asks for. With an audit a tenth of the texts at most is sent to "
        "the best single model as well, whose answers stand in for labels. Figures are of the "
        "last half of each stream; costs are of all calls, audits among them. "
        f"{bench.shuffles} shuffles; ± is half a 95 % interval over them (Student t)."
    )
    yield ""
    yield "Repeat with"
    yield ""
    yield f"    python benchmarks/quality/classify.py {names} --shuffles {bench.shuffles}"
    yield ""
    yield "The recordings are no part of this project."
    yield ""


def _gains(bench: Bench) -> Iterator[str]:
    yield "## Accuracy and cost"
    yield ""
    yield (
        "Points of accuracy above the model that is best over the whole file, on the same rows, "
        "and cost as a share of that model's: in the last half, and over the whole stream with "
        "all that was spent on learning. Nothing is chosen here but the cost weight, which is a "
        "price."
    )
    for file in bench.tables:
        yield ""
        yield f"### {file}"
        yield ""
        yield "| | cost weight | points gained | cost | cost, whole | calls | by the student |"
        yield "|---|---|---|---|---|---|---|"
        for setting, name in _NAMES.items():
            for weight in weights_of(setting):
                cells = (
                    name,
                    f"{weight:g}",
                    _told(gain(bench, file, setting, weight)),
                    _told(share(bench, file, setting, weight), 100, 0),
                    _told(share(bench, file, setting, weight, whole=True), 100, 0),
                    f"{values(bench, file, setting, weight, 'calls').mean():.2f}",
                    f"{100 * values(bench, file, setting, weight, 'own').mean():.0f} %",
                )
                yield "| " + " | ".join(cells) + " |"
        yield from _baselines(bench, file)
        weight = within(bench, file, "evidence")
        yield ""
        yield (
            f"Within {100 * limit_of(file):.0f} % of its cost: cost weight {weight:g}, "
            f"{_told(gain(bench, file, 'evidence', weight))} points at "
            f"{_told(share(bench, file, 'evidence', weight), 100, 0)} %."
        )
    yield ""


def _baselines(bench: Bench, file: str) -> Iterator[str]:
    weight = COST_WEIGHTS[0]
    best = values(bench, file, "routing", weight, "best")
    for figure, name in (
        ("best_per_task", "best single model of each task, known afterwards"),
        ("majority", "majority of the cheaper half of models"),
        ("cheap", "cheapest model"),
        ("random", "random model"),
        ("oracle", "oracle, with each query's luck"),
    ):
        apart = mean_interval(100.0 * (values(bench, file, "routing", weight, figure) - best))
        yield f"| {name} | | {_told(apart)} | | | | |"
    alone = _told(gain(bench, file, "student alone", NEVER_ASK))
    yield f"| student alone | | {alone} | 0 | | 0 | 100 % |"


def _tasks(bench: Bench) -> Iterator[str]:
    weight = COST_WEIGHTS[0]
    yield "## Where a student helps, and where it cannot"
    yield ""
    yield (
        f"Points of accuracy with it less those of routing alone, by task, at cost weight "
        f"{weight:g}, where accuracy counts most."
    )
    yield ""
    yield "| file | task | student | student and evidence |"
    yield "|---|---|---|---|"
    for file in bench.tables:
        apart = {each: task_differences(bench, file, each, weight)
                 for each in ("student", "evidence")}  # fmt: skip
        for task in bench.tables[file].labels:
            yield (
                f"| {file} | {task} | {_told(apart['student'][task])} | "
                f"{_told(apart['evidence'][task])} |"
            )
    yield ""


def _calibration(bench: Bench) -> Iterator[str]:
    error, answers = student_calibration(bench)
    yield "## Confidence"
    yield ""
    yield (
        f"The students answered {answers} texts by themselves, all streams together: expected "
        f"calibration error {100 * error:.1f} points (10 bins)."
    )
    yield ""
    for file, took in student_times(bench).items():
        yield (
            f"{file}: a student's answer takes {took:.0f} µs of processor time, from the text to "
            f"the logged decision among {len(bench.tables[file].arms)} arms and itself (log in "
            "memory; median, right after the last feedback was learned)."
        )
        yield ""


def _shifts(bench: Bench) -> Iterator[str]:
    yield "## A new topic"
    yield ""
    yield (
        "One task's name and labels; at half the texts are of another kind, which the student has "
        f"never seen. Cost weight {SHIFT_WEIGHT:g}. The student's share in the {SHARE_WINDOW} "
        f"texts before and after, and the worst mean over {WINDOW} texts in a row of accuracy with "
        f"the student less that without; means of {bench.shift_shuffles} shuffles, and in brackets "
        "its standard error. Last, what the worst of all windows would be by luck alone, without "
        "any difference: its mean, and in brackets what it falls below one time in twenty."
    )
    yield ""
    yield "| from | to | share before | share after | share at the end | worst, points | by luck |"
    yield "|---|---|---|---|---|---|---|"
    for file in bench.tables:
        for (first, second), apart, own in shift_curves(bench, file):
            half = min(
                SHIFT_HALF, sum(task == first for task in bench.tables[file].recordings.datasets)
            )
            shares = (
                own[half - SHARE_WINDOW : half],
                own[half : half + SHARE_WINDOW],
                own[-SHARE_WINDOW:],
            )
            cells = [f"{100 * np.mean(each):.0f} %" for each in shares]
            curve = apart.mean(axis=0)
            means = 100.0 * rolling(curve, WINDOW)
            error = 100.0 * np.std(curve, ddof=1) / np.sqrt(WINDOW)
            mean, low = (100.0 * each for each in worst_by_luck(apart, WINDOW))
            cells += [f"{means.min():.1f} ({error:.1f})", f"{mean:.1f} ({low:.1f})"]
            yield f"| {first} | {second} | {' | '.join(cells)} |"


def _told(interval: Interval, scale: float = 1.0, digits: int = 1) -> str:
    return f"{scale * interval.mean:.{digits}f} ± {scale * interval.half_width:.{digits}f}"
