"""`metallm collect`: ask every arm every query, for a table that routers learn from."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from metallm.cli.classify_options import (  # noqa: TC001 - typer reads the annotations
    Budget,
    Concurrency,
    Estimate,
    Labels,
    Limit,
    TaskName,
)
from metallm.cli.options import AsJson, Config  # noqa: TC001 - typer reads the annotations
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from metallm.cli.collect_job import Job
    from metallm.cli.collected import Collected
    from metallm.cli.spending import Spending
    from metallm.settings import Settings


def collect(
    queries: Annotated[
        Path, typer.Argument(metavar="QUERIES", help="A .csv, .jsonl or .parquet file.")
    ],
    text: Annotated[str, typer.Option(metavar="COLUMN", help="The column that is asked.")],
    reference: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of right answers, such as true labels."),
    ] = None,
    labels: Labels = None,
    task: TaskName = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="ARM",
            help="Have this arm grade the answers from 0 to 10, where no label tells.",
        ),
    ] = None,
    rubric: Annotated[
        str, typer.Option(metavar="TEXT", help="What makes an answer good, told to the judge.")
    ] = "",
    arms: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Ask these arms of metallm.toml. Default: all."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="The table, .parquet, .csv or .jsonl. Default: QUERIES' name with "
            ".outcomes.parquet.",
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Tokens of an answer at most, sent with every call."),
    ] = None,
    limit: Limit = None,
    concurrency: Concurrency = 8,
    estimate: Estimate = False,
    budget: Budget = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Ask every arm every query, for a table to learn from.

    It is the table that replay, paper and the library's fit read. Every outcome is kept as it
    comes: after an interrupt the same command goes on where it was, and what failed is asked
    again. Exits with 1 where calls failed, or the budget did not do.
    """
    from metallm.cli.collect_job import job_of
    from metallm.cli.collected import Collected
    from metallm.cli.configured import read_settings

    settings = read_settings(config)
    job = job_of(
        settings,
        queries,
        text=text,
        reference=reference,
        labels=labels,
        task=task,
        arms=arms,
        judge=judge,
        rubric=rubric,
        max_tokens=max_tokens,
        limit=limit,
    )
    with Collected(out or queries.with_name(f"{queries.stem}.outcomes.parquet")) as collected:
        if estimate:
            from metallm.cli.collect_view import say_estimate

            say_estimate(job, collected, as_json=as_json)
            return
        with _books(budget, settings, collected) as books:
            _run(settings, job, collected, books, concurrency, as_json=as_json)


def _books(
    budget: float | None, settings: Settings, collected: Collected
) -> AbstractContextManager[Spending | None]:
    """The budget of this collection, or nothing."""
    if budget is None:
        return nullcontext()
    from metallm.assembly.budgeted import check_bounded
    from metallm.cli.spending import Spending, spending_path

    check_bounded(settings)
    path = spending_path(collected.out)
    answered = (each.get("error") is None for each in collected.outcomes.values())
    if not path.exists() and any(answered):
        raise ConfigurationError(
            f"{collected.path} has outcomes that were collected without a budget, so that what "
            "they cost is not counted: name another --out, or leave out --budget"
        )
    return Spending(path, budget)


def _run(
    settings: Settings,
    job: Job,
    collected: Collected,
    books: Spending | None,
    concurrency: int,
    *,
    as_json: bool,
) -> None:
    import asyncio

    from metallm.cli.collect_view import check_done, say
    from metallm.cli.guard import InterruptedWorkError

    try:
        exhausted = asyncio.run(job.run(settings, collected, books, concurrency))
    except KeyboardInterrupt as error:
        raise InterruptedWorkError(
            f"what was answered is in {collected.path}; the same command goes on from there"
        ) from error
    left = job.left(collected)
    written = collected.finish(job.order, complete=not left)
    say(job, collected, books, written=written, as_json=as_json)
    if books is not None and not left:
        books.path.unlink()
    check_done(job, collected, exhausted)
