"""Small charts as SVG: they take the page's colours, and need no script."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.evaluation.page.html import Safe, el, plain
from metallm.evaluation.page.numbers import percent, usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.evaluation.answered import Share
    from metallm.evaluation.confidence import Bin

WIDTH, HEIGHT = 440.0, 230.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 34.0
MOST_NAME = 30
SIGN = 6.2
"""Width of a sign, about."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of cost and accuracy.

    Args:
        name: stands beside it.
        cost_usd: above 0.
        accuracy: 0 to 1.
        low: lower end of its interval; None where it is an expectation.
        high: upper end.
    """

    name: str
    cost_usd: float
    accuracy: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where values lie on the picture: linear, from its lower left corner."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1.0)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1.0)
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    def frame(self, xs: Mapping[float, str], ys: Mapping[float, str]) -> list[Safe]:
        """Grid lines with what stands at them."""
        parts = []
        for value, told in ys.items():
            left, y = self.at(self.x[0], value)
            parts.append(el("line", x1=left, x2=WIDTH - RIGHT, y1=y, y2=y, cls="grid"))
            parts.append(el("text", told, x=left - 6, y=y + 4, text_anchor="end"))
        anchors = {self.x[0]: "start", self.x[1]: "end"}
        for value, told in xs.items():
            x, bottom = self.at(value, self.y[0])
            anchor = anchors.get(value, "middle")
            parts.append(el("text", told, x=x, y=bottom + 17, text_anchor=anchor))
        return parts

    def path(self, points: Sequence[tuple[float, float]], cls: str) -> Safe:
        told = " ".join("{:.1f},{:.1f}".format(*self.at(*point)) for point in points)
        return el("polyline", points=told, cls=cls)


def stacked(
    spans: Sequence[tuple[Share, Mapping[str, int]]], hues: Mapping[str, int], last_row: int
) -> Safe:
    """Who answered over the run: a bar for each part of it."""
    plot = _Plot((0.0, float(len(spans))), (0.0, 1.0))
    parts = plot.frame(
        {0.0: "first row", float(len(spans)): f"row {last_row:,}"},
        {0.0: "0", 0.5: "50 %", 1.0: "100 %"},
    )
    for place, (span, arms) in enumerate(spans):
        base = 0.0
        for arm in hues:
            size = arms.get(arm, 0) / span.rows
            if not size:
                continue
            x, y = plot.at(place + 0.06, base + size)
            right, bottom = plot.at(place + 0.94, base)
            title = f"rows {span.name}: {plain(arm, 80)} {percent(size)}"
            parts.append(
                el(
                    "rect",
                    el("title", title),
                    x=x, y=y, width=right - x, height=bottom - y, rx=1.5, cls=f"c{hues[arm]}",
                )
            )  # fmt: skip
            base += size
    return _svg(parts, "Who answered, over the run")


def accuracy_over(spans: Sequence[tuple[Share, Mapping[str, int]]], last_row: int) -> Safe:
    """Accuracy in each part of the run, with its interval."""
    known = [(place + 0.5, span.accuracy) for place, (span, _) in enumerate(spans) if span.accuracy]
    marks = _marks(min((each.low for _, each in known), default=0.0), 1.0)
    plot = _Plot((0.0, float(len(spans))), (marks[0], marks[-1]))
    parts = plot.frame(
        {0.0: "first row", float(len(spans)): f"row {last_row:,}"},
        {each: percent(each, 0) for each in marks},
    )
    for x, each in known:
        (at, top), (_, bottom) = plot.at(x, each.high), plot.at(x, each.low)
        parts.append(el("line", x1=at, x2=at, y1=top, y2=bottom, cls="whisker", opacity=0.45))
    parts.append(plot.path([(x, each.mean) for x, each in known], "line"))
    for x, each in known:
        at, up = plot.at(x, each.mean)
        title = f"{percent(each.mean)} of {each.n} rows"
        parts.append(el("circle", el("title", title), cx=at, cy=up, r=3.5, cls="dot"))
    return _svg(parts, "Accuracy over the run")


def spent(costs: Sequence[float], others: Mapping[str, float]) -> Safe:
    """What was spent after each row, beside what always asking one model would have come to.

    Args:
        costs: USD after each row.
        others: USD at the end, by model.
    """
    step = max(1, len(costs) // 200)
    points = [(0.0, 0.0)]
    points += [(float(at + 1), costs[at]) for at in range(0, len(costs), step)]
    points.append((float(len(costs)), costs[-1]))
    top = max(costs[-1], *others.values(), 0.0) * 1.08 or 1.0
    plot = _Plot((0.0, float(len(costs))), (0.0, top))
    parts = plot.frame(
        {0.0: "first row", float(len(costs)): f"row {len(costs):,}"},
        {0.0: "$0", top / 2: usd(top / 2), top: usd(top)},
    )
    for name, total in others.items():
        parts.append(plot.path([(0.0, 0.0), (float(len(costs)), total)], "dash"))
        x, y = plot.at(len(costs) * 0.97, total * 0.97)
        told = plain(f"always {name}", MOST_NAME)
        parts.append(el("text", told, x=x - 4, y=max(y - 5, 10), text_anchor="end"))
    parts.append(plot.path(points, "line"))
    x, y = plot.at(float(len(costs)), costs[-1])
    parts.append(el("circle", el("title", usd(costs[-1])), cx=x, cy=y, r=4, cls="dot"))
    told = f"this run {usd(costs[-1])}"
    parts.append(el("text", told, x=x - 7, y=y - 7, text_anchor="end", cls="strong"))
    return _svg(parts, "Spent over the run")


def cost_and_quality(run: Spot, singles: Sequence[Spot]) -> Safe:
    """This run beside single models: cost across, by powers of ten, and accuracy upwards."""
    spots = [run, *singles]
    logs = [math.log10(each.cost_usd) for each in spots]
    lows = [each.accuracy if each.low is None else each.low for each in spots]
    highs = [each.accuracy if each.high is None else each.high for each in spots]
    left, right = math.floor(min(logs) * 2 - 0.3) / 2, math.ceil(max(logs) * 2 + 0.3) / 2
    marks = _marks(min(lows), max(highs))
    plot = _Plot((left, right), (marks[0], marks[-1]))
    tens = range(math.ceil(left), math.floor(right) + 1)
    parts = plot.frame(
        {float(each): usd(10.0**each) for each in tens},
        {each: percent(each, 0) for each in marks},
    )
    for each in singles:
        x, y = plot.at(math.log10(each.cost_usd), each.accuracy)
        name = plain(each.name, 80)
        title = f"always {name}: {percent(each.accuracy)} for {usd(each.cost_usd)}, expected"
        parts.append(el("circle", el("title", title), cx=x, cy=y, r=5, cls="ring"))
        parts.append(_beside(plain(each.name, MOST_NAME), x, y))
    x, y = plot.at(math.log10(run.cost_usd), run.accuracy)
    (_, top), (_, bottom) = (
        plot.at(0.0, run.accuracy if end is None else end) for end in (run.high, run.low)
    )
    parts.append(el("line", x1=x, x2=x, y1=top, y2=bottom, cls="whisker"))
    title = f"this run: {percent(run.accuracy)} for {usd(run.cost_usd)}, observed"
    parts.append(el("circle", el("title", title), cx=x, cy=y, r=6, cls="dot"))
    parts.append(
        el("text", "this run", x=x, y=min(top, y - 6) - 6, text_anchor="middle", cls="strong")
    )
    return _svg(parts, "Cost and accuracy of this run and of single models")


def reliability(bins: Sequence[Bin]) -> Safe:
    """How often answers of about the same confidence were right."""
    plot = _Plot((0.0, 1.0), (0.0, 1.0))
    marks = {0.0: "0", 0.5: "50 %", 1.0: "100 %"}
    parts = plot.frame({**marks, 0.5: "confidence"}, marks)
    parts.append(plot.path([(0.0, 0.0), (1.0, 1.0)], "dash"))
    most = max((each.n for each in bins), default=1) or 1
    filled = [each for each in bins if each.n]
    parts.append(plot.path([(each.confidence, each.accuracy) for each in filled], "line"))
    for each in filled:
        x, y = plot.at(each.confidence, each.accuracy)
        title = f"{each.n} answers of confidence {each.confidence:.2f}: {percent(each.accuracy)}"
        size = 3.0 + 6.0 * math.sqrt(each.n / most)
        parts.append(el("circle", el("title", title), cx=x, cy=y, r=size, cls="dot"))
    return _svg(parts, "Confidence and the share that was right")


def _marks(low: float, high: float) -> list[float]:
    """Round shares from below the lowest to above the highest, three to six of them."""
    step = next((each for each in (0.05, 0.1, 0.2) if (high - low) / each <= 4.0), 0.25)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [min(each * step, 1.0) for each in range(max(first, 0), max(last, first + 1) + 1)]


def _beside(name: str, x: float, y: float) -> Safe:
    """A name at a point: beside it, or below it where there is no room."""
    if x + 10 + SIGN * len(name) < WIDTH:
        return el("text", name, x=x + 10, y=y + 4)
    return el("text", name, x=x + 6, y=y + 18, text_anchor="end")


def _svg(parts: Sequence[Safe], told: str) -> Safe:
    return el("svg", parts, viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", role="img", aria_label=told)
