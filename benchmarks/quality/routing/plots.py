"""The report's figures, by plotly: every method in one colour throughout, intervals where known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.evaluation.frontier import single_models
from metallm.evaluation.intervals import mean_interval
from routing import online
from routing.calibration import BINS
from routing.labels import spread_out
from routing.methods import OURS
from routing.offline import curve_costs
from routing.pen import PEER_COLOURS, Pen, ticks
from routing.work import COLD, OFFLINE

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray
    from metallm.evaluation.intervals import Interval
    from routing.summary import Summary

FAR_OFF = ("random", "cheapest", "best single", "oracle")
"""No bars of these: they would squash the others."""


class Plots:
    """Draws what a summary holds.

    Args:
        go: plotly.graph_objects.
        summary: of a finished bench.
    """

    def __init__(self, go: Any, summary: Summary) -> None:
        self._summary = summary
        self._groups = [*summary.files, "<b>mean</b>"]
        bench = summary.bench
        groups = {method.name: method.group for method in bench.offline}
        self._pen = Pen(go, groups | {method.name: method.group for method in bench.online})

    def offline(self) -> list[Any]:
        """Gap closed, calibration, and each file's frontiers."""
        summary = self._summary
        shown = [each.name for each in summary.bench.offline if each.name not in FAR_OFF]
        gaps = self._pen.bars(
            self._groups,
            # the mix is 0 by definition
            {name: self._offline_row(name, "gap_closed", 100.0) for name in shown
             if name != "cost-matched mix"},
            "Gap closed: 0 is mixing single models blindly, 100 the oracle",
            "% of the gap",
        )  # fmt: skip
        errors = self._pen.bars(
            self._groups,
            {name: self._offline_row(name, "ece", 100.0) for name in summary.estimating},
            "Calibration error of estimated quality (less is better)",
            "points",
        )
        frontiers = [self._frontiers(file) for file in summary.files]
        return [gaps, *frontiers, errors, self._reliability()]

    def online(self) -> list[Any]:
        """Leads of cold streams, and each file's over time."""
        summary = self._summary
        shown = [each.name for each in summary.bench.online if each.name not in FAR_OFF]
        rows = {
            name: [
                *(summary.online(file, name, COLD, "lead") for file in summary.files),
                summary.mean_online(name, COLD),
            ]
            for name in shown
        }
        leads = self._pen.bars(
            self._groups,
            rows, "Cold streams: 0 is the best single model, known afterwards",
            "reward per query less that model's, × 1000",
        )  # fmt: skip
        return [leads, *(self._streams(file) for file in summary.files)]

    def _offline_row(self, name: str, figure: str, scale: float) -> list[Interval | None]:
        summary = self._summary
        found = [summary.offline_values(file, name, figure) for file in summary.files]
        row = [None if each is None else mean_interval(scale * each) for each in found]
        known = [each for each in found if each is not None]
        whole = len(known) == len(found)
        return [*row, mean_interval(scale * np.mean(known, axis=0)) if whole else None]

    def _frontiers(self, file: str) -> Any:
        table = self._summary.bench.tables[file]
        at = 1000 * curve_costs(table)
        figure = self._pen.figure()
        costs, qualities = single_models(table.panel)
        drawn = qualities.tolist()
        for method in self._summary.bench.offline:
            if method.name in {"best single", "cheapest", "random"}:
                continue
            found = self._frontier(file, method.name)
            drawn += [each.mean for each in found if each is not None]
            self._pen.line(figure, method.name, at.tolist(), found, banded=method.name == OURS)
        names = [model.rsplit("/", 1)[-1] for model in table.panel.models]
        figure.add_scatter(
            name="single models", x=1000 * costs, y=qualities, mode="markers+text",
            text=spread_out(names, np.log(np.maximum(1000 * costs, at[0])), qualities),
            textposition="top center",
            textfont={"size": 10, "color": "#666"}, customdata=table.panel.models,
            marker={"color": "#222", "size": 6}, cliponaxis=False,
            hovertemplate="%{customdata}: %{y:.3f} at $%{x:.3g}<extra></extra>",
        )  # fmt: skip
        low, high = float(at[0]), float(at[-1])
        marks = ticks(low, high)
        figure.update_xaxes(
            type="log", range=[float(np.log10(low / 1.6)), float(np.log10(high * 1.6))],
            tickvals=marks, ticktext=[f"{mark:g}" for mark in marks],
        )  # fmt: skip
        edge = 0.06 * (max(drawn) - min(drawn)) or 0.1
        figure.update_yaxes(range=[min(drawn) - edge, max(drawn) + edge])
        return self._pen.titled(
            figure, f"{file}: quality for money",
            "USD per 1,000 queries (logarithmic)", "mean quality",
            "lines: mean frontier over shuffles; band: 95 % interval of MetaLLM; "
            "points: single models on all rows",
        )  # fmt: skip

    def _frontier(self, file: str, method: str) -> list[Interval | None]:
        """Over shuffles at each cost; None where some shuffle's frontier begins later."""
        bench = self._summary.bench
        found = [
            (bench.figures(bench.job(file, OFFLINE, method, shuffle)) or {})["curve"]
            for shuffle in range(bench.plan.shuffles)
        ]
        columns = zip(*found, strict=True)
        return [None if None in column else mean_interval(np.array(column)) for column in columns]

    def _reliability(self) -> Any:
        """What MetaLLM's estimates promise against what was recorded, by file."""
        figure = self._pen.figure()
        figure.add_scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": "#999", "dash": "dot"},
            name="as estimated", hoverinfo="skip",
        )  # fmt: skip
        for number, file in enumerate(self._summary.files):
            count, believed, recorded = self._bins(file)
            kept = count >= 0.01 * count.sum()
            figure.add_scatter(
                name=file, x=believed[kept], y=recorded[kept], mode="lines+markers",
                line={"color": PEER_COLOURS[number % len(PEER_COLOURS)]},
                marker={"size": 4.0 + 20.0 * np.sqrt(count[kept] / count.sum())},
                hovertemplate="estimated %{x:.2f}, recorded %{y:.2f}",
            )  # fmt: skip
        figure.update_xaxes(range=[0, 1])
        figure.update_yaxes(range=[0, 1])
        return self._pen.titled(
            figure, "MetaLLM: estimated against recorded quality",
            "mean estimate of a bin", "mean recorded quality",
            f"{BINS} bins of all pairs of query and model, all shuffles; larger points hold more; "
            "bins with less than 1 % left out",
        )  # fmt: skip

    def _bins(self, file: str) -> FloatArray:
        """All shuffles' bins together, shape (3, BINS)."""
        bench = self._summary.bench
        found = np.array([
            (bench.figures(bench.job(file, OFFLINE, OURS, shuffle)) or {})["bins"]
            for shuffle in range(bench.plan.shuffles)
        ])  # fmt: skip
        count = found[:, :, 0].sum(axis=0)
        sums = (found[:, :, :1] * found[:, :, 1:]).sum(axis=0)
        return np.vstack([count, (sums / np.maximum(count, 1.0)[:, None]).T])

    def _streams(self, file: str) -> Any:
        figure = self._pen.figure()
        drawn = [0.0]
        for method in self._summary.bench.online:
            at, found = self._stream(file, method.name)
            if method.name not in FAR_OFF:
                drawn += [each.mean for each in found if each is not None]
            self._pen.line(
                figure, method.name, at, found, banded=method.name == OURS,
                hidden=method.name in FAR_OFF,
            )  # fmt: skip
        edge = 0.25 * (max(drawn) - min(drawn)) or 1.0
        figure.update_yaxes(
            zeroline=True, zerolinecolor="#222", range=[min(drawn) - edge, max(drawn) + edge]
        )
        weights = ", ".join(f"{p:g}" for p in online.COST_WEIGHTS)
        return self._pen.titled(
            figure, f"{file}: a cold stream", "queries so far",
            "summed reward less the best single model's",
            f"lines: mean over shuffles and cost weights {weights}; band: 95 % interval of MetaLLM;"
            " 0: best single model, known afterwards; pale names, far off, appear when clicked",
        )  # fmt: skip

    def _stream(self, file: str, method: str) -> tuple[list[int], list[Interval | None]]:
        bench = self._summary.bench
        player = next(each for each in bench.online if each.name == method)
        found = [
            [bench.figures(bench.job(file, COLD, method, shuffle, p)) or {}
             for p in online.COST_WEIGHTS]
            for shuffle in range(bench.shuffles_of(player))
        ]  # fmt: skip
        means = [np.mean([each["curve"] for each in row], axis=0) for row in found]
        return found[0][0]["curve_at"], [mean_interval(each) for each in np.transpose(means)]
