"""Reports of a replay: a plain dict for machines, a table for the terminal, one for Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from metallm.evaluation.baselines import (
    BEST,
    BEST_BY_QUALITY,
    CHEAPEST,
    MIX,
    ORACLE,
    RANDOM,
)
from metallm.evaluation.intervals import Interval, mean_interval
from metallm.evaluation.results import POLICY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from metallm.evaluation.results import Replay, Summary
    from metallm.evaluation.sweep import Sweep

ORDER = (POLICY, BEST, BEST_BY_QUALITY, CHEAPEST, RANDOM, MIX, ORACLE)
COLUMNS = ("", "accuracy %", "cost per 1k queries, USD", "reward", "regret")


def report(found: Replay, sweeps: Sequence[Sweep] = ()) -> dict[str, Any]:
    """The whole of a replay as plain values that JSON can hold.

    Args:
        found: the replay.
        sweeps: frontiers of the same router, one a seed, for gap closed and savings.

    Returns:
        "figures": single figures by name, "rows": one object for the policy and each baseline.
        Intervals are {"mean", "low", "high"}; what is undefined is None. Costs are USD per 1,000
        queries.
    """
    summaries = found.summaries()
    figures: dict[str, Any] = {
        "mode": found.mode,
        "cost_weight": found.cost_weight,
        "cost_scale_usd": found.cost_scale,
        "seeds": [run.seed for run in found.runs],
        "queries_per_seed": found.runs[0].rows,
        "models": list(found.models),
        "left_out": list(found.left_out),
        "regret_best_fixed": _plain(found.regret_fixed()),
        "shares": found.shares(),
        "lead_over_best_fixed": {
            str(length): _plain(interval) for length, interval in found.curve().items()
        },
    }
    if sweeps:
        figures |= _frontier_figures(sweeps)
    return {
        "figures": figures,
        "rows": [_row(name, summaries[name]) for name in ORDER],
    }


def rich_table(found: Replay) -> Table:
    """The policy and its baselines as a table for `rich.print`."""
    # only the terminal needs it, and it is slow to import
    from rich.table import Table  # noqa: PLC0415

    table = Table(*COLUMNS, title=_title(found))
    for column in table.columns[1:]:
        column.justify = "right"
    summaries = found.summaries()
    for name in ORDER:
        table.add_row(*_cells(name, summaries[name]), style="bold" if name == POLICY else None)
    return table


def markdown_table(found: Replay) -> str:
    """The policy and its baselines as a Markdown table, its title apart."""
    summaries = found.summaries()
    lines = [COLUMNS, ("---", *("---:",) * (len(COLUMNS) - 1))]
    lines += [_cells(name, summaries[name]) for name in ORDER]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _title(found: Replay) -> str:
    seeds = len(found.runs)
    return (
        f"{found.mode}, cost weight {found.cost_weight:g}, {found.runs[0].rows} queries, "
        f"{seeds} seed{'s' if seeds > 1 else ''}"
    )


def _row(name: str, summary: Summary) -> dict[str, Any]:
    return {
        "name": name,
        "models": list(summary.models),
        "accuracy": _plain(summary.quality),
        "cost_per_1k_usd": _plain(summary.cost_usd, 1000.0),
        "reward": _plain(summary.reward),
        "regret": _plain(summary.regret),
    }


def _cells(name: str, summary: Summary) -> tuple[str, ...]:
    label = f"{name} ({', '.join(summary.models)})" if summary.models else name
    return (
        label,
        _with_interval(summary.quality, 100.0, 2),
        _with_interval(summary.cost_usd, 1000.0, _decimals(1000.0 * summary.cost_usd.mean)),
        _with_interval(summary.reward, 1.0, 4),
        _with_interval(summary.regret, 1.0, 4),
    )


def _decimals(value: float) -> int:
    """Decimals that show three digits of a cost; costs span many orders of magnitude."""
    return 2 if value <= 0.0 else max(2, 2 - math.floor(math.log10(value)))


def _with_interval(interval: Interval, factor: float, decimals: int) -> str:
    mean = f"{factor * interval.mean:.{decimals}f}"
    if math.isnan(interval.half_width):
        return mean
    return f"{mean} ± {factor * interval.half_width:.{decimals}f}"


def _plain(interval: Interval, factor: float = 1.0) -> dict[str, float | None]:
    """JSON knows no NaN."""
    ends = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return {name: None if math.isnan(end) else factor * end for name, end in ends.items()}


def _frontier_figures(sweeps: Sequence[Sweep]) -> dict[str, Any]:
    standings = [each.standing for each in sweeps]
    figures: dict[str, Any] = {
        name: _over_seeds([getattr(standing, name) for standing in standings])
        for name in ("aiq", "aiq_zero", "aiq_oracle", "gap_closed")
    }
    for name in ("savings", "zero_savings"):
        levels = getattr(standings[0], name)
        figures[name] = {
            f"{level:g}": _over_seeds([getattr(standing, name)[level] for standing in standings])
            for level in levels
        }
    return figures


def _over_seeds(values: list[float]) -> dict[str, float | None]:
    """Undefined as soon as one seed's is: the mean of those that got there would flatter."""
    if not all(map(math.isfinite, values)):
        return dict.fromkeys(("mean", "low", "high"))
    return _plain(mean_interval(values))
