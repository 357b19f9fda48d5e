"""The tables as Markdown, for docs and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routing import online
from routing.methods import OURS
from routing.work import COLD, OFFLINE, WARM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.evaluation.intervals import Interval
    from routing.bench import Bench
    from routing.summary import Summary

HEAD = """# What the learner is worth

Recorded answers of real LLMs to the same queries; every method sees the same splits, the same
contexts (the default embedder, no task told) and the same bills. {shuffles} shuffles; ± is half a
95 % interval over shuffles (Student t). What an interval over shuffles does not tell is how another
set of queries would differ.

**Settings are nested.** Each method has a few settings, listed at the end. A file is reported with
the one that was best on the mean of the *other* files ({tuning} shuffles): none was chosen on the
file it is shown for. A method's default stands unless another is better by more than a standard
error over those files.

Repeat with

    pip install -e '.[bench,peers]'
    python benchmarks/quality/route.py {names} {options}

The recordings are no part of this project.
"""

OFFLINE_TEXT = """## Offline

Each method learns from three quarters of the queries, all outcomes shown, and decides the rest at
{weights} cost weights without feedback: greedily, argmax of estimated quality − p · estimated cost.
Peers estimate quality; our cost learner's estimates stand beside theirs. Each frontier is the
non-decreasing upper hull of its points (RouterBench, arXiv 2403.12031).

- **Gap closed**: (AIQ − AIQ of mixing single models blindly) / (the oracle's AIQ − the same), in %.
- **Saving**: cost saved at a share of the best single model's quality, in % of that model's cost; a
  level never reached counts as 0.
- **At equal cost**: quality points gained over the best single model for the same money.
- **Arena**: RouterArena's score × 100 at cost weight .2 (arXiv 2510.00202).
- The task-label router alone is told each query's task. Best single model and oracle are known
  afterwards, the oracle with each query's luck.
"""

ONLINE_TEXT = """## Online

Queries come one by one; after each choice its outcome alone is told. Figures are reward per query
less that of the best single model (known afterwards), × 1000, means over the cost weights
{weights}, over the first 300 and 1,000 queries and over the whole stream. "Warm" starts give away
that many fully recorded rows first. A blind mix of single models earns at most what the best one
does: 0 here. {streams} shuffles.

Peers are told the scalar reward (the one exception, ParetoBandit's own router, learns quality and
prices arms itself), see the contexts on {directions} principal directions of all queries and a
bias, and are played on {peers} shuffles; their settings are compared on one shuffle at p = .3.
"""

NEW_ARM_TEXT = """### A new arm

The best arm joins at a third of the stream. Share of the attainable gain, over the last two thirds:
(joined − never there) / (there from the start − never there), in %.
"""


CALIBRATION_TEXT = """### Are the estimates what they say?

Over all queries decided and all models, chosen or not. **Calibration error**: estimated qualities,
clipped to 0 and 1, in {bins} bins of equal width; the mean over pairs of |mean estimate − mean
recorded quality| of their bin, in points. It is above 0 by luck alone where queries are few.
**Brier score**: mean squared error, × 100; less the better calibrated an estimate is, and the
better it tells queries apart.
"""

ERRORS_TEXT = """#### What MetaLLM's standard errors are worth

One outcome cannot show whether an expectation was right; the mean of an arm's outcomes over like
queries can, within the luck of the rows. So the queries decided are cut into cells of about {rows}
by their contexts, and each arm's mean recorded quality in a cell ({least} outcomes at least) is
held against the mean estimate. Shown is the share of these within 1.96 standard errors, in %, where
the learner's own error is allowed for beside the luck of the rows, and where luck alone is. The
learner's error is taken to be the same throughout a cell. Where it is not, cells' means are surer
than this says: a share below 95 % shows that standard errors are too small, one above does not show
that they are too large. Nothing here tells of single queries.
"""

CALLS_TEXT = """APGR: mean gap recovered over all shares of calls to the strong model (.5 at
random); CPT: least share of calls that recovers so much (RouteLLM, arXiv 2406.18665)."""


def _said(bench: Bench) -> str:
    """The options that make this plan."""
    plan = bench.plan
    options = [
        f"--shuffles {plan.shuffles}",
        f"--tuning-shuffles {plan.tuning_shuffles}",
        f"--peer-shuffles {plan.peer_shuffles}",
    ]
    if plan.stream_shuffles is not None:
        options.append(f"--stream-shuffles {plan.stream_shuffles}")
    if not plan.peer_warm:
        options.append("--no-peer-warm")
    offline, online = (
        any(method.group == "peer" for method in side) for side in (bench.offline, bench.online)
    )
    if not online:
        options.append("--no-stream-peers" if offline else "--no-peers")
    return " ".join([*options, "--results results.jsonl"])


def page(summary: Summary) -> str:
    """The whole page."""
    plan = summary.bench.plan
    parts = [
        HEAD.format(
            shuffles=plan.shuffles, tuning=plan.tuning_shuffles, options=_said(summary.bench),
            names=" ".join(f"{file}.parquet" for file in summary.files),
        )
    ]  # fmt: skip
    if summary.bench.offline:
        parts += _offline(summary)
    if summary.bench.online:
        parts += _online(summary)
    parts += ["## Settings", *_settings(summary)]
    return "\n".join(parts) + "\n"


def _offline(summary: Summary) -> list[str]:
    from routing.offline import COST_WEIGHTS

    methods = [method.name for method in summary.bench.offline]
    parts = [OFFLINE_TEXT.format(weights=len(COST_WEIGHTS)), "### Gap closed, %", ""]
    parts.append(_by_file(summary, methods, "gap_closed", 100))
    parts += ["### MetaLLM's gap closed less another's, points, paired by shuffle", ""]
    parts.append(_differences(summary, [name for name in methods if name != OURS]))
    for name, title in (
        ("saving100", "Saving at 100 % of the best single model's quality, %"),
        ("saving99", "Saving at 99 %, %"),
        ("saving95", "Saving at 95 %, %"),
        ("equal_cost", "At equal cost, points"),
        ("arena", "Arena"),
    ):
        parts += [f"### {title}", "", _by_file(summary, methods, name, 100)]
    parts += _calibration(summary)
    two = [file for file in summary.files if len(summary.bench.tables[file].arms) == 2]
    for file in two:
        parts += [
            f"### Two models: {file}", "",
            CALLS_TEXT, "",
            _table(
                ["", "APGR", "CPT 20 %", "CPT 50 %", "CPT 80 %"],
                {
                    name: [summary.offline(file, name, key) for key in _CALLS]
                    for name in methods
                    if summary.offline(file, name, "apgr") is not None
                },
                lambda cell: _cell(cell, 1, 3),
            ),
        ]  # fmt: skip
    return parts


def _calibration(summary: Summary) -> list[str]:
    """The tables of estimates against what was recorded, of the methods that estimate."""
    from routing import calibration

    names = summary.estimating
    means = [summary.offline(file, OURS, "brier_means") for file in summary.files]
    rows = _of_files(summary, names, "brier")
    rows["each model's mean"] = [*means, summary.mean_offline(OURS, "brier_means")]
    errors = {
        title: _of_files(summary, [OURS], figure)[OURS]
        for title, figure in (
            ("luck and standard errors", "covered"), ("luck alone", "covered_by_luck")
        )
    }  # fmt: skip
    head = ["", *summary.files, "mean"]
    return [
        CALIBRATION_TEXT.format(bins=calibration.BINS),
        "#### Calibration error, points", "", _by_file(summary, names, "ece", 100),
        "#### Brier score × 100", "", _table(head, rows, lambda cell: _cell(cell, 100, 1)),
        ERRORS_TEXT.format(rows=calibration.ROWS_PER_CELL, least=calibration.LEAST_IN_CELL),
        _table(head, errors, lambda cell: _cell(cell, 100, 1)),
    ]  # fmt: skip


_CALLS = ("apgr", "cpt20", "cpt50", "cpt80")


def _of_files(
    summary: Summary, methods: Sequence[str], figure: str
) -> dict[str, list[Interval | None]]:
    """By method a figure of each file and their mean."""
    return {
        name: [
            *(summary.offline(file, name, figure) for file in summary.files),
            summary.mean_offline(name, figure),
        ]
        for name in methods
    }


def _by_file(summary: Summary, methods: Sequence[str], figure: str, scale: float) -> str:
    rows = _of_files(summary, methods, figure)
    return _table(["", *summary.files, "mean"], rows, lambda cell: _cell(cell, scale, 1))


def _differences(summary: Summary, methods: Sequence[str]) -> str:
    rows: dict[str, list[Interval | None]] = {
        name: [
            *(summary.above(file, name, "gap_closed") for file in summary.files),
            summary.mean_above(name, "gap_closed"),
        ]
        for name in methods
        if name not in {"random", "cheapest", "best single", "oracle"}
    }
    return _table(["", *summary.files, "mean"], rows, lambda cell: _cell(cell, 100, 1))


def _online(summary: Summary) -> list[str]:
    from routing.table import DIRECTIONS

    bench = summary.bench
    weights = ", ".join(f"{p:g}" for p in online.COST_WEIGHTS)
    parts = [
        ONLINE_TEXT.format(
            weights=weights,
            directions=DIRECTIONS,
            peers=bench.plan.peer_shuffles,
            streams=bench.plan.stream_shuffles or bench.plan.shuffles,
        )
    ]
    for kind in (COLD, *WARM):
        methods = [each.name for each in bench.online if kind in bench.kinds_of(each)]
        title = "Cold" if kind == COLD else f"Warm, {kind.removeprefix('warm')} rows"
        rows: dict[str, list[Interval | float | None]] = {
            name: [
                *(summary.online(file, name, kind, "lead") for file in summary.files),
                summary.mean_online(name, kind),
            ]
            for name in methods
        }
        parts += [
            f"### {title}, whole stream", "",
            _table(["", *summary.files, "mean"], rows, lambda cell: _cell(cell, 1, 1)),
        ]  # fmt: skip
    parts += ["### MetaLLM, the first queries", "", _first_queries(summary), NEW_ARM_TEXT]
    shares = {file: [_arm(summary, file)] for file in summary.files}
    parts.append(_table(["", "share, %"], shares, str))
    return parts


def _first_queries(summary: Summary) -> str:
    rows: dict[str, list[Interval | None]] = {}
    for kind in (COLD, *WARM):
        for length in (*online.LENGTHS, 0):
            figure = f"lead{length}" if length else "lead"
            name = f"{kind}, {f'first {length:,}' if length else 'all'}"
            rows[name] = [summary.online(file, OURS, kind, figure) for file in summary.files]
    return _table(["", *summary.files], rows, lambda cell: _cell(cell, 1, 1))


def _arm(summary: Summary, file: str) -> str:
    share = summary.new_arm(file)
    return "no certain gain" if share is None else _cell(share, 100, 1)


def _settings(summary: Summary) -> list[str]:
    bench, parts = summary.bench, []
    for (side, method), choice in bench.choices.items():
        if len(choice.scores) < 2:
            continue
        figure = "gap closed, %" if side == OFFLINE else "cold, whole stream"
        scale = 100 if side == OFFLINE else 1
        rows = {
            setting: [
                f"{scale * scores[file]:.1f}{'*' if choice.given[file] == setting else ''}"
                for file in summary.files
            ]
            for setting, scores in choice.scores.items()
        }
        parts += [
            "",
            f"**{method}**, {side} ({figure}, on the shuffles for choosing; * is what a file got):",
            "",
            _table(["", *summary.files], rows, str),
        ]
    return parts


def _table(
    head: Sequence[str], rows: Mapping[str, Sequence[object]], cell: Callable[..., str]
) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, values in rows.items():
        label = f"**{name}**" if name == OURS else name
        lines.append("| " + " | ".join([label, *(cell(value) for value in values)]) + " |")
    return "\n".join([*lines, ""])


def _cell(value: Interval | float | None, scale: float, digits: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{scale * value:.{digits}f}"
    mean = f"{scale * value.mean:.{digits}f}"
    return mean if np.isnan(value.low) else f"{mean} ± {scale * value.half_width:.{digits}f}"
