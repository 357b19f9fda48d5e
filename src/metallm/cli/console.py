"""What the commands say: data on stdout, talk and progress on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

LINE_EVERY_S = 5.0
"""Seconds between lines of progress where there is no terminal to draw a bar on."""

Report = Callable[[int, int, str], None]
"""Takes how much is done, of how much, and a note that stands beside it."""


def tell(line: str) -> None:
    """Say something to whoever watches, on stderr."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the place that prints


def put(text: str) -> None:
    """Write a line of data to stdout."""
    print(text, flush=True)  # noqa: T201 - this is the place that prints


def put_json(value: Any) -> None:
    """Write a value to stdout as one line of JSON."""
    import orjson

    put(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode())


def put_table(table: Table) -> None:
    """Write a table to stdout: as wide as it needs to be where that is no terminal."""
    from rich.console import Console

    # a file or pipe has no width of its own; rich would fold the cells at 80
    width = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, width=width, highlight=False).print(table)


def usd(amount: float | None, *, digits: int = 3) -> str:
    """An amount in USD with some significant digits, as costs span many orders of magnitude."""
    if amount is None:
        return "unknown"
    if amount >= 1.0 or amount == 0.0:
        return f"${amount:,.2f}"
    return f"${Decimal(f'{amount:.{digits}g}'):f}"


@contextmanager
def progress(title: str) -> Iterator[Report]:
    """Show how far long work is: a bar on a terminal, else a line every few seconds.

    Args:
        title: what is being done.
    """
    if sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _lines(title)


def _lines(title: str, clock: Callable[[], float] = time.monotonic) -> Report:
    due = clock() + LINE_EVERY_S

    def report(done: int, total: int, note: str) -> None:
        nonlocal due
        if clock() < due and done < total:
            return
        due = clock() + LINE_EVERY_S
        tell(f"{title}: {done} of {total}" + (f", {note}" if note else ""))

    return report


@contextmanager
def _bar(title: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, note="")

        def report(done: int, total: int, note: str) -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield report
