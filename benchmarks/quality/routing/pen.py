"""How the report draws: bars with whiskers and lines with bands, every method in one colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from routing.methods import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.evaluation.intervals import Interval
    from routing.methods import Group

OURS_COLOUR = "#0057d9"
PEER_COLOURS = (
    "#e07b00", "#2a9d4a", "#b03a9c", "#8c5a2b", "#d62839", "#5b7f95", "#a8a000",
    "#7b4fd6", "#00a6a6", "#e377a8", "#5d6d1e", "#c4956a", "#3d405b", "#f2a900",
)  # fmt: skip
BASELINE_COLOURS = ("#9a9a9a", "#6f6f6f", "#b8b8b8", "#4d4d4d", "#858585", "#c9a0a0", "#a0b0c0")
BASELINE_DASHES = ("dash", "dot", "dashdot", "longdash", "solid", "longdashdot", "dot")

LAYOUT = {
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#222"},
    "margin": {"l": 70, "r": 25, "t": 60, "b": 60},
    "legend": {"orientation": "h", "yanchor": "top", "y": -0.16, "x": 0, "font": {"size": 12}},
    "hoverlabel": {"namelength": -1},
}


class Pen:
    """Draws with plotly.

    Args:
        go: plotly.graph_objects.
        groups: of each method, in the order in which colours are given.
    """

    def __init__(self, go: Any, groups: Mapping[str, Group]) -> None:
        self._go = go
        self._styles = _styles(groups)

    def figure(self) -> Any:
        """An empty figure."""
        return self._go.Figure()

    def bars(
        self,
        groups: Sequence[str],
        rows: Mapping[str, Sequence[Interval | None]],
        title: str,
        unit: str,
    ) -> Any:
        """A figure of groups of bars, in each a bar of every row.

        Args:
            groups: m names.
            rows: m intervals of each method.
            title: of the figure.
            unit: of the bars.
        """
        figure = self.figure()
        for name, row in rows.items():
            figure.add_bar(
                name=name,
                x=list(groups),
                y=[None if each is None else each.mean for each in row],
                marker={"color": self._styles[name]["color"]},
                error_y={
                    "array": [_half_width(each) or None for each in row],
                    "thickness": 1.2,
                    "width": 2,
                    "color": "#111",
                },
                hovertemplate="%{x}: %{y:.1f}",
            )
        note = "bars: mean over shuffles; whiskers: 95 % interval"
        low, high = _range(list(rows.values()))
        figure.update_yaxes(zeroline=True, zerolinecolor="#222", range=[low, high])
        return self.titled(figure, title, "", unit, note)

    def line(
        self,
        figure: Any,
        name: str,
        x: Sequence[float],
        found: Sequence[Interval | None],
        *,
        banded: bool,
        hidden: bool = False,
    ) -> None:
        """Add a line to a figure.

        Args:
            figure: that it is added to.
            name: of the method.
            x: n places.
            found: n means; None leaves a place out.
            banded: draw the intervals too.
            hidden: until its name is clicked.
        """
        known = [(at, each) for at, each in zip(x, found, strict=True) if each is not None]
        sure = [(at, each) for at, each in known if not np.isnan(each.low)]
        if banded and sure:
            figure.add_scatter(
                x=[at for at, _ in sure] + [at for at, _ in reversed(sure)],
                y=[each.low for _, each in sure] + [each.high for _, each in reversed(sure)],
                fill="toself", fillcolor="rgba(0, 87, 217, .13)", line={"width": 0},
                hoverinfo="skip", showlegend=False, legendgroup=name,
            )  # fmt: skip
        figure.add_scatter(
            name=name, x=[at for at, _ in known], y=[each.mean for _, each in known],
            mode="lines", line=self._styles[name], legendgroup=name,
            visible="legendonly" if hidden else True,
        )  # fmt: skip

    def titled(self, figure: Any, title: str, x: str, y: str, note: str) -> Any:
        """The figure with a title, a note beneath it, and names of its axes."""
        figure.update_layout(
            **LAYOUT,
            title={"text": f"<b>{title}</b><br><sup>{note}</sup>", "x": 0.01, "xanchor": "left"},
            xaxis_title=x,
            yaxis_title=y,
            height=600,
        )
        return figure


def _styles(groups: Mapping[str, Group]) -> dict[str, dict[str, Any]]:
    """A line of its own for every method, the same in all figures."""
    peers = [name for name, group in groups.items() if group == "peer"]
    others = [name for name, group in groups.items() if group == "baseline"]
    styles: dict[str, dict[str, Any]] = {OURS: {"color": OURS_COLOUR, "width": 3.5}}
    for number, name in enumerate(peers):
        styles[name] = {"color": PEER_COLOURS[number % len(PEER_COLOURS)], "width": 1.6}
    for number, name in enumerate(others):
        place = number % len(BASELINE_COLOURS)
        styles[name] = {
            "color": BASELINE_COLOURS[place], "dash": BASELINE_DASHES[place], "width": 1.6,
        }  # fmt: skip
    return styles


def _half_width(found: Interval | None) -> float:
    return 0.0 if found is None or np.isnan(found.low) else found.half_width


def _range(rows: Sequence[Sequence[Interval | None]]) -> tuple[float, float]:
    """Bounds that hold every bar, and whiskers as far as they leave the bars to be seen."""
    known = [each for row in rows for each in row if each is not None]
    means = [0.0, *(each.mean for each in known)]
    room = 0.6 * (max(means) - min(means)) or 1.0
    ends = [each.mean + sign * _half_width(each) for each in known for sign in (-1.0, 1.0)]
    low = max(min([0.0, *ends]), min(means) - room)
    high = min(max([0.0, *ends]), max(means) + room)
    edge = 0.04 * (high - low)
    return (low - edge if low < 0.0 else 0.0), high + edge


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of every decade, or 1 alone where there are many."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    steps = (1.0, 2.0, 5.0) if last - first <= 4 else (1.0,)
    found = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    return [tick for tick in found if low / 1.6 <= tick <= high * 1.6]
