"""Does jobs, here or in several processes, and tells how far it is."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routing.ledger import Job
    from routing.work import Work

TOLD_EVERY = 100
"""Jobs between two lines where standard error is no terminal."""


def done(work: Work, jobs: Sequence[Job], processes: int) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Each job with its figures, in the order in which they are finished.

    Args:
        work: does them.
        jobs: in an order that lets neighbours share what was prepared.
        processes: 1 does all in this process.
    """
    begun = time.monotonic()
    results = _here(work, jobs) if processes == 1 else _beside(work, jobs, processes)
    for number, (job, figures) in enumerate(results, start=1):
        yield job, figures
        _tell(number, len(jobs), job, time.monotonic() - begun)


def _here(work: Work, jobs: Sequence[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
    for job in jobs:
        yield job, work.run(job)


def _beside(
    work: Work, jobs: Sequence[Job], processes: int
) -> Iterator[tuple[Job, dict[str, Any]]]:
    for table in work.tables.values():  # before the processes part, so that they share it
        _ = table.contexts, table.input_tokens, table.list_usd
    with ProcessPoolExecutor(
        processes, get_context("fork"), initializer=_keep, initargs=(work,)
    ) as pool:
        futures = {pool.submit(_run, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _tell(number: int, total: int, job: Job, seconds: float) -> None:
    """One line of a terminal, written over; now and then a line of a file."""
    live = sys.stderr.isatty()
    if not live and number % TOLD_EVERY and number < total:
        return
    left = seconds / number * (total - number) / 60
    line = f"{number}/{total} {job.file} {job.kind} {job.method}, {left:.0f} min left"
    end = "\r" if live and number < total else "\n"
    print(line.ljust(100) if live else line, end=end, file=sys.stderr, flush=True)


_WORK: list[Work] = []


def _keep(work: Work) -> None:
    """A process of the pool keeps what it was born with: nothing is sent but jobs and figures."""
    _WORK[:] = [work]


def _run(job: Job) -> dict[str, Any]:
    return _WORK[0].run(job)
