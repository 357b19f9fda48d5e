"""The report: one HTML file with plots and tables that needs nothing else, the network neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.evaluation.frontier import single_models
from routing import online
from routing.markup import to_html
from routing.methods import OURS
from routing.offline import curve_costs
from routing.page import page
from routing.work import COLD, OFFLINE

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray
    from routing.summary import Summary

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1150px; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto }
th, td { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
h3 { margin-top: 1.6em } pre { background: #f4f4f4; padding: .7em; overflow-x: auto }
"""

CONFIG = {"displaylogo": False, "responsive": True}

HIDDEN = ("random", "cheapest", "best single", "oracle")
"""Far off: drawn only when they are clicked in the legend (the oracle of streams alone)."""


def report(summary: Summary) -> str:
    """The whole file.

    Raises:
        SystemExit: plotly is missing.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise SystemExit("--report needs plotly: pip install -e '.[bench]'") from error
    figures = []
    if summary.bench.offline:
        figures.append(_gaps(go, summary))
        figures += [_frontiers(go, summary, file) for file in summary.files]
    if summary.bench.online:
        figures += [_curves(go, summary, file) for file in summary.files]
    drawn = "\n".join(
        figure.to_html(full_html=False, include_plotlyjs=not number, config=CONFIG)
        for number, figure in enumerate(figures)
    )
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<title>What the learner is worth</title><style>{STYLE}</style></head><body>\n"
        f"{to_html(page(summary))}\n<h2>Plots</h2>\n{drawn}\n</body></html>\n"
    )


def _gaps(go: Any, summary: Summary) -> Any:
    figure = go.Figure()
    for method in summary.bench.offline:
        found = [summary.offline(file, method.name, "gap_closed") for file in summary.files]
        if method.name in HIDDEN:
            continue
        figure.add_bar(
            name=method.name,
            x=summary.files,
            y=[None if each is None else 100 * each.mean for each in found],
            error_y={
                "array": [
                    0.0 if each is None or np.isnan(each.low) else 100 * each.half_width
                    for each in found
                ]
            },
        )
    return _titled(figure, "Gap closed, % (95 % intervals over shuffles)", "", "%")


def _frontiers(go: Any, summary: Summary, file: str) -> Any:
    table = summary.bench.tables[file]
    costs, at = single_models(table.panel), 1000 * curve_costs(table)
    figure = go.Figure()
    for method in summary.bench.offline:
        if method.name in {"best single", "cheapest", "random"}:
            continue
        figure.add_scatter(
            name=method.name, x=at, y=_mean_frontier(summary, file, method.name), mode="lines",
            line={"width": 4 if method.name == OURS else 1.5},
        )  # fmt: skip
    figure.add_scatter(
        name="single models", x=1000 * costs[0], y=costs[1], mode="markers+text",
        text=table.panel.models, textposition="top center", textfont={"size": 9},
    )  # fmt: skip
    figure.update_xaxes(type="log")
    return _titled(figure, f"{file}: frontiers", "USD per 1,000 queries", "mean quality")


def _mean_frontier(summary: Summary, file: str, method: str) -> list[float | None]:
    """The mean over shuffles at each cost; None where some shuffle's frontier begins later."""
    bench = summary.bench
    found = [
        (bench.figures(bench.job(file, OFFLINE, method, shuffle)) or {})["curve"]
        for shuffle in range(bench.plan.shuffles)
    ]
    columns = zip(*found, strict=True)
    return [None if None in column else float(np.mean(column)) for column in columns]


def _curves(go: Any, summary: Summary, file: str) -> Any:
    figure = go.Figure()
    for method in summary.bench.online:
        at, values = _mean_curve(summary, file, method.name)
        figure.add_scatter(
            name=method.name, x=at, y=values, mode="lines",
            line={"width": 4 if method.name == OURS else 1.5},
            visible="legendonly" if method.name in HIDDEN else True,
        )  # fmt: skip
    return _titled(
        figure,
        f"{file}, cold: summed reward less the best single model's, mean of cost weights",
        "queries", "summed lead",
    )  # fmt: skip


def _mean_curve(summary: Summary, file: str, method: str) -> tuple[list[int], FloatArray]:
    bench = summary.bench
    player = next(each for each in bench.online if each.name == method)
    found = [
        bench.figures(bench.job(file, COLD, method, shuffle, p)) or {}
        for shuffle in range(bench.shuffles_of(player))
        for p in online.COST_WEIGHTS
    ]
    return found[0]["curve_at"], np.mean([each["curve"] for each in found], axis=0)


def _titled(figure: Any, title: str, x: str, y: str) -> Any:
    figure.update_layout(
        title=title, xaxis_title=x, yaxis_title=y, template="plotly_white", height=560,
        legend={"font": {"size": 11}},
    )  # fmt: skip
    return figure
