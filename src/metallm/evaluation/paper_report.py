"""A comparison by the paper's protocol as plain values, and as the paper's table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from metallm.evaluation.intervals import Interval
    from metallm.evaluation.paper_results import Attempt, Comparison, Summary
    from metallm.evaluation.results import Mode

QUERIES = 10_000
"""The paper tells costs per so many queries."""

SINGLE = "single"


def report(found: Comparison) -> dict[str, Any]:
    """The whole of a comparison as plain values that JSON can hold.

    Returns:
        "figures": single figures by name; "singles": one object a model; "rows": one object a mode,
        budget and router, with every seed's attempt; "leads": the last router's accuracy minus the
        first's, one object a mode and budget. Intervals are {"mean", "low", "high"} over seeds;
        with one seed their ends are None. Costs are USD per 10,000 queries.
    """
    fitted, tuned, tested = found.rows
    return {
        "figures": {
            "seeds": list(found.seeds),
            "models": list(found.models),
            "left_out": list(found.left_out),
            "rows_fit": fitted,
            "rows_tuning": tuned,
            "rows_test": tested,
            "attempts": len(found.attempts),
            "overspent": {
                name: sum(each.over for each in found.attempts if each.contender == name)
                for name in found.contenders
            },
        },
        "singles": [{"model": m, **_plain(found.single(m))} for m in found.models],
        "rows": [_row(found, *key) for key in _keys(found)],
        "leads": [
            {"mode": mode, "budget": budget, "accuracy": _interval(found.lead(mode, budget))}
            for mode in found.modes
            for budget in found.budgets
            if len(found.contenders) > 1
        ],
    }


def rich_tables(found: Comparison) -> list[Table]:
    """The single models, then one table a mode with the routers side by side."""
    return [_single_table(found), *(_mode_table(found, mode) for mode in found.modes)]


def _keys(found: Comparison) -> Iterator[tuple[Mode, str, str]]:
    for mode in found.modes:
        for budget in found.budgets:
            for contender in found.contenders:
                yield mode, contender, budget


def _row(found: Comparison, mode: Mode, contender: str, budget: str) -> dict[str, Any]:
    tried = found.tried(mode, contender, budget)
    return {
        "mode": mode,
        "router": contender,
        "budget": budget,
        **_plain(found.at(mode, contender, budget)),
        "overspent": sum(each.over for each in tried),
        "seeds": [_attempt(each) for each in tried],
    }


def _attempt(each: Attempt) -> dict[str, Any]:
    return {
        "seed": each.seed,
        "cost_weight": each.tuned.cost_weight,
        "budget_met_in_tuning": each.tuned.met,
        "tuning_cost_per_10k_usd": QUERIES * each.tuned.point.cost_usd,
        "tuning_accuracy": each.tuned.point.quality,
        "budget_per_10k_usd": QUERIES * each.budget_usd,
        "cost_per_10k_usd": QUERIES * each.test.cost_usd,
        "accuracy": each.test.quality,
    }


def _plain(summary: Summary) -> dict[str, Any]:
    return {
        "cost_per_10k_usd": _interval(summary.cost_usd, QUERIES),
        "accuracy": _interval(summary.quality),
    }


def _interval(interval: Interval, factor: float = 1.0) -> dict[str, float | None]:
    """JSON knows no NaN."""
    ends = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return {name: None if math.isnan(end) else factor * end for name, end in ends.items()}


def _single_table(found: Comparison) -> Table:
    from rich.table import Table  # noqa: PLC0415 - only the terminal needs it, and it is slow

    _, _, tested = found.rows
    table = Table(
        "single model",
        "cost per 10k, USD",
        "accuracy %",
        title=f"{tested} test queries, {len(found.seeds)} seed{'s' * (len(found.seeds) > 1)}",
    )
    _align(table)
    for model in sorted(found.models, key=lambda name: found.single(name).cost_usd.mean):
        table.add_row(model, *_cells(found.single(model)))
    return table


def _mode_table(found: Comparison, mode: Mode) -> Table:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table("budget of", title=mode)
    for name in found.contenders:
        for column in ("cost per 10k, USD", "accuracy %", "overspent"):
            table.add_column(f"{name}: {column}")
    if len(found.contenders) > 1:
        table.add_column(f"{found.contenders[-1]} − {found.contenders[0]}, points")
    _align(table)
    for budget in found.budgets:
        cells = [budget]
        for name in found.contenders:
            tried = found.tried(mode, name, budget)
            over = sum(each.over for each in tried)
            cells += [*_cells(found.at(mode, name, budget)), f"{over} of {len(tried)}"]
        if len(found.contenders) > 1:
            cells.append(_with_interval(found.lead(mode, budget), 100.0, 2, sign="+"))
        table.add_row(*cells)
    return table


def _align(table: Table) -> None:
    for column in table.columns[1:]:
        column.justify = "right"


def _cells(summary: Summary) -> tuple[str, str]:
    cost = QUERIES * summary.cost_usd.mean
    decimals = 3 if cost <= 0.0 else max(0, 3 - math.floor(math.log10(cost)))
    return (
        _with_interval(summary.cost_usd, QUERIES, decimals),
        _with_interval(summary.quality, 100.0, 2),
    )


def _with_interval(interval: Interval, factor: float, decimals: int, *, sign: str = "") -> str:
    mean = f"{factor * interval.mean:{sign}.{decimals}f}"
    if math.isnan(interval.half_width):
        return mean
    return f"{mean} ± {factor * interval.half_width:.{decimals}f}"
