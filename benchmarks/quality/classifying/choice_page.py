"""The figures of a multiple choice, and its section of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifying.choice import CALLS, COST_WEIGHTS
from metallm.evaluation.intervals import mean_interval
from metallm.evaluation.ratios import ratio_interval
from metallm.evaluation.replay import TRAIN_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifying.choice import Choices
    from metallm.core.arrays import FloatArray
    from metallm.evaluation.intervals import Interval


def choice_figures(choices: Choices) -> dict[str, float]:
    """The gap closed by number of calls, and over that of routing alone."""
    found = {f"choice_gap_{calls}": float(gap.mean()) for calls, gap in choices.gaps.items()}
    for calls in CALLS[1:]:
        ratio = _ratio(choices, calls)
        name = "evidence_gap_ratio" if calls == CALLS[1] else f"evidence_gap_ratio_{calls}"
        found |= {name: ratio.mean, f"{name}_low": ratio.low, f"{name}_high": ratio.high}
    return found


def choice_section(choices: Choices) -> str:
    """Markdown."""
    return "\n".join([*_head(choices), *_frontiers(choices), *_streams(choices)]) + "\n"


def _head(choices: Choices) -> Iterator[str]:
    table = choices.table
    without = f" (left out: {', '.join(table.left_out)})" if table.left_out else ""
    yield f"## Letters of a multiple choice: {table.name}"
    yield ""
    yield (
        f"{len(table.arms)} models{without}. No student reads a text whose labels are letters, so "
        f"only answers tell. {choices.shuffles} shuffles; ± is half a 95 % interval over them (of "
        "a ratio by the jackknife). Repeat with"
    )
    yield ""
    yield (
        f"    python benchmarks/quality/classify.py {table.name}.parquet --choice-shuffles "
        f"{choices.shuffles}"
    )
    yield ""


def _frontiers(choices: Choices) -> Iterator[str]:
    yield (
        f"Fitted on {TRAIN_SHARE:.0%} of the questions, all outcomes shown; the other "
        f"{choices.questions} are answered at {len(COST_WEIGHTS)} cost weights, greedily, without "
        "feedback. Gap closed in %, and over what routing alone closes."
    )
    yield ""
    yield "| calls at most | calls made | gap closed | over routing alone |"
    yield "|---|---|---|---|"
    for calls, gaps in choices.gaps.items():
        ratio = _ratio(choices, calls)
        over = "" if calls == 1 else f"{ratio.mean:.2f} ± {ratio.half_width:.2f}"
        made = choices.asked[calls].mean()
        yield f"| {calls} | {made:.2f} | {_told(mean_interval(100.0 * gaps))} | {over} |"
    yield ""


def _streams(choices: Choices) -> Iterator[str]:
    yield (
        "From a cold start, each right letter told after its answer: points of accuracy above the "
        "best single model, and cost as a share of its, in the last half."
    )
    yield ""
    yield "| calls at most | cost weight | calls made | points gained | cost |"
    yield "|---|---|---|---|---|"
    for (calls, weight), found in choices.streams.items():
        own, best, share, made = (
            np.array([each[name] for each in found])
            for name in ("accuracy", "best", "share", "calls")
        )
        points, cost = mean_interval(100.0 * (own - best)), mean_interval(100.0 * share)
        yield (f"| {calls} | {weight:g} | {made.mean():.2f} | {_told(points)} | {_told(cost, 0)} |")
    yield ""


def _ratio(choices: Choices, calls: int) -> Interval:
    alone: FloatArray = choices.gaps[1]
    return ratio_interval(choices.gaps[calls], alone)


def _told(interval: Interval, digits: int = 1) -> str:
    return f"{interval.mean:.{digits}f} ± {interval.half_width:.{digits}f}"
