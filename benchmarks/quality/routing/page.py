"""The tables as Markdown, for docs and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routing import online, wording
from routing.methods import OURS
from routing.work import COLD, OFFLINE, WARM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.evaluation.intervals import Interval
    from routing.bench import Bench
    from routing.summary import Summary


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
        wording.HEAD.format(
            shuffles=_shuffles(plan.shuffles),
            tuning=_shuffles(plan.tuning_shuffles),
            options=_said(summary.bench),
            names=" ".join(f"{file}.parquet" for file in summary.files),
        )
    ]
    if summary.bench.offline:
        parts += _offline(summary)
    if summary.bench.online:
        parts += _online(summary)
    parts += ["## Settings", *_settings(summary)]
    return "\n".join(parts) + "\n"


def _offline(summary: Summary) -> list[str]:
    from routing.offline import COST_WEIGHTS

    methods = [method.name for method in summary.bench.offline]
    parts = [wording.OFFLINE_TEXT.format(weights=len(COST_WEIGHTS)), "### Gap closed, %", ""]
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
            wording.CALLS_TEXT, "",
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
        wording.CALIBRATION_TEXT.format(bins=calibration.BINS),
        "#### Calibration error, points", "", _by_file(summary, names, "ece", 100),
        "#### Brier score × 100", "", _table(head, rows, lambda cell: _cell(cell, 100, 1)),
        wording.ERRORS_TEXT.format(rows=calibration.ROWS_PER_CELL, least=calibration.LEAST_IN_CELL),
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
        wording.ONLINE_TEXT.format(
            weights=weights,
            directions=DIRECTIONS,
            peers=_shuffles(bench.plan.peer_shuffles),
            streams=_shuffles(bench.plan.stream_shuffles or bench.plan.shuffles),
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
    parts += ["### MetaLLM, the first queries", "", _first_queries(summary), wording.NEW_ARM_TEXT]
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


def _shuffles(count: int) -> str:
    return "1 shuffle" if count == 1 else f"{count} shuffles"


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
