"""The report: one HTML file with plots and tables that needs nothing else, the network neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routing.markup import to_html
from routing.page import page
from routing.plots import Plots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.summary import Summary

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1150px; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto }
th, td { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap;
         font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff }
h2 { margin-top: 2em; border-bottom: 2px solid #ddd } h3 { margin-top: 1.6em }
pre { background: #f4f4f4; padding: .7em; white-space: pre-wrap }
"""

CONFIG = {"displayModeBar": False, "displaylogo": False, "responsive": True}


def report(summary: Summary) -> str:
    """The whole file: each part's plots stand before its tables.

    Raises:
        SystemExit: plotly is missing.
    """
    try:
        import plotly.graph_objects as go
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise SystemExit("--report needs plotly: pip install -e '.[bench]'") from error
    plots = Plots(go, summary)
    text = page(summary)
    if summary.bench.offline:
        text = _room_for("offline", "## Offline", text)
    if summary.bench.online:
        text = _room_for("online", "## Online", text)
    body = to_html(text)
    for name, draw in (("offline", plots.offline), ("online", plots.online)):
        if _mark(name) in body:
            body = body.replace(f"<p>{_mark(name)}</p>", _drawn(draw()))
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>What the learner is worth</title><style>{STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>\n{body}\n</body></html>\n"
    )


def _mark(name: str) -> str:
    return f"[plots: {name}]"


def _room_for(name: str, heading: str, text: str) -> str:
    """The text with a mark after what a part says before its first table."""
    before, start, rest = text.partition(f"{heading}\n")
    intro, table, tables = rest.partition("\n### ")
    return f"{before}{start}{intro}\n{_mark(name)}\n{table}{tables}"


def _drawn(figures: Sequence[Any]) -> str:
    return "\n".join(
        figure.to_html(full_html=False, include_plotlyjs=False, config=CONFIG) for figure in figures
    )
