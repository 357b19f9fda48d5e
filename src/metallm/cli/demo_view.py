"""How the demo shows its figures: a table that changes on a terminal, else lines."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metallm.cli.console import tell, usd
from metallm.cli.demo_score import RECENT
from metallm.cli.tally import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Group
    from rich.table import Table

    from metallm.cli.demo_score import Score

LINES = 10
"""Lines of progress where there is no terminal."""
PER_S = 4
"""Changes of the table a second."""
BAR = 30
"""Characters of a full bar."""


@contextmanager
def shown(score: Score, total: int) -> Iterator[Callable[[], None]]:
    """Show a score while it grows.

    Args:
        score: what is shown.
        total: how many queries there will be.

    Yields:
        Call it after each query.
    """
    if not sys.stderr.isatty():
        yield _lines(score, total)
        return
    from rich.console import Console
    from rich.live import Live

    due = 0.0
    console = Console(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def draw() -> None:
            nonlocal due
            if time.monotonic() >= due:
                due = time.monotonic() + 1 / PER_S
                live.update(_picture(score, total), refresh=True)

        yield draw


def table(score: Score) -> Table:
    """The figures so far."""
    from rich.table import Table

    made = Table(
        "", "accuracy", f"newest {RECENT}", "cost", title=f"synthetic: {score.done} queries"
    )
    for column in made.columns[1:]:
        column.justify = "right"
    for place, line in enumerate(score.lines()):
        made.add_row(
            line.name,
            percent(line.accuracy),
            percent(line.recent),
            usd(line.cost_usd),
            style=None if place else "bold",
        )
    return made


def _picture(score: Score, total: int) -> Group:
    from rich.console import Group
    from rich.text import Text

    width = max(map(len, score.shares()))
    bars = [
        f"{name:{width}}  {'█' * round(BAR * share):{BAR}} {percent(share):>7}"
        for name, share in score.shares().items()
    ]
    head = f"SYNTHETIC texts and simulated LLMs, {score.done} of {total} queries"
    asked = f"\nwho answered, of the newest {RECENT}:\n"
    return Group(Text(head), table(score), Text(asked + "\n".join(bars)))


def _lines(score: Score, total: int) -> Callable[[], None]:
    every = max(1, total // LINES)

    def draw() -> None:
        if score.done % every:
            return
        told = ", ".join(
            f"{line.short} {percent(line.accuracy)} {usd(line.cost_usd)}" for line in score.lines()
        )
        shares = ", ".join(f"{name} {share:.0%}" for name, share in score.shares().items() if share)
        tell(f"synthetic {score.done}/{total}: {told}; answered of late: {shares}")

    return draw
