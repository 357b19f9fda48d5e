"""`metallm classify`: bulk classification."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metallm.cli.configured import read_settings
from metallm.cli.console import progress, put_json, put_table, tell
from metallm.cli.guard import InterruptedWorkError, WorkFailedError
from metallm.cli.options import (  # noqa: TC001 - typer reads the annotations
    AsJson,
    Config,
    CostWeight,
    Policy,
    Seed,
    Store,
)
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.cli.doors import Door
    from metallm.cli.fixed import Always
    from metallm.cli.journal import Journal
    from metallm.cli.rows import Row
    from metallm.cli.tally import Tally
    from metallm.settings import Settings


def classify(
    data: Annotated[
        Path, typer.Argument(metavar="IN", help="The rows: a .csv, .jsonl or .parquet file.")
    ],
    text: Annotated[str, typer.Option(metavar="COLUMN", help="The column to classify.")],
    labels: Annotated[
        str, typer.Option(metavar="A,B,...", help="The labels to choose from, with commas between.")
    ],
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column of true labels: each is told after the answer, so that the router "
            "learns as it goes.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Where answers are kept, .jsonl, .csv or .parquet. Default: IN's name with "
            ".labels.jsonl.",
        ),
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask a running gateway. Default: route in this process."),
    ] = None,
    warm: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="Recorded outcomes to learn from before the first row."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Take the first N rows.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Rows at the same time.")
    ] = 8,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the task.")] = None,
    max_calls: Annotated[
        int,
        typer.Option(
            min=1,
            max=8,
            metavar="N",
            help="Models that one row may be sent to. With more than one, all their answers and "
            "the text settle the label together, and further ones are asked where that is worth "
            "its cost.",
        ),
    ] = 1,
    config: Config = None,
    cost_weight: CostWeight = None,
    policy: Policy = None,
    seed: Seed = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Classify the rows of a table.

    Every answer is kept as it comes. After an interrupt the same command goes on where it was;
    rows that failed are asked again. Exits with 1 where rows failed.
    """
    from metallm.cli.journal import Journal
    from metallm.cli.rows import read_rows
    from metallm.core.labels import checked_labels

    chosen = checked_labels([label.strip() for label in labels.split(",")])
    if gateway is not None and warm is not None:
        raise ConfigurationError("--warm is for a router in this process, not for a --gateway")
    rows = read_rows(data, text=text, labels=chosen, truth=truth, limit=limit)
    with Journal(out or data.with_name(f"{data.stem}.labels.jsonl"), rows) as journal:
        if gateway is None:
            settings = read_settings(
                config, cost_weight=cost_weight, policy=policy, seed=seed, store=store
            )
            make = _router_door(settings, chosen, task, warm, max_calls)
        else:
            make = _gateway_door(gateway, chosen, task, max_calls)
        asked = _Asking(rows, journal)
        asked.run(make, concurrency)
        journal.finish(complete=not asked.tally.failed)
    _say(asked.tally, asked.always, out=str(journal.out), as_json=as_json)
    if asked.tally.failed:
        raise WorkFailedError(
            f"{asked.tally.failed} of {len(rows)} rows failed: run the same command again to ask "
            "for them once more"
        )


class _Asking:
    """One run over the rows that have no answer yet."""

    def __init__(self, rows: Sequence[Row], journal: Journal) -> None:
        from metallm.cli.tally import Tally

        self.tally: Tally = Tally()
        self.always: Sequence[Always] = ()
        self._rows = rows
        self._journal = journal
        self._left = []
        for row in rows:
            answer = journal.answers.get(row.number)
            if answer is None or answer.get("error") is not None:
                self._left.append(row)
            else:
                self.tally.add(_judged(answer, row.truth))

    def run(self, make: Callable[[], Door], concurrency: int) -> None:
        """Ask, unless nothing is left to ask."""
        if not self._left:
            tell(f"all {len(self._rows)} rows are answered already in {self._journal.path}")
            return
        done = len(self._rows) - len(self._left)
        if done:
            tell(f"{done} of {len(self._rows)} rows are answered already in {self._journal.path}")
        import asyncio

        try:
            asyncio.run(self._ask(make, concurrency))
        except KeyboardInterrupt as error:
            answered = self.tally.whole.rows
            raise InterruptedWorkError(
                f"{answered} of {len(self._rows)} rows are in {self._journal.path}; "
                "the same command goes on from there"
            ) from error

    async def _ask(self, make: Callable[[], Door], concurrency: int) -> None:
        from metallm.cli.bulk import classify_rows

        door = make()
        started = time.monotonic()
        before = self.tally.whole.rows
        try:
            with progress("classify") as report:

                def keep(answer: dict[str, Any]) -> None:
                    self._journal.add(answer)
                    self.tally.add(answer)
                    seen = self.tally.whole.rows + self.tally.failed
                    speed = (seen - before) / max(time.monotonic() - started, 1e-3)
                    report(seen, len(self._rows), f"{self.tally.note()}, {speed:.1f} rows/s")

                await classify_rows(self._left, door, concurrency=concurrency, keep=keep)
            self.always = await door.always()
        finally:
            await door.close()


def _judged(answer: Mapping[str, Any], truth: str | None) -> Mapping[str, Any]:
    """An answer of an earlier run, held against the true label that is known now."""
    return answer if truth is None else {**answer, "correct": answer["label"] == truth}


def _router_door(
    settings: Settings,
    labels: Sequence[str],
    task: str | None,
    warm: Path | None,
    max_calls: int,
) -> Callable[[], Door]:
    def make() -> Door:
        from metallm.assembly import Router
        from metallm.cli.doors import RouterDoor

        router = Router.from_settings(settings)
        try:
            if warm is not None:
                router.fit(warm)
        except BaseException:
            router.close()
            raise
        return RouterDoor(router, labels, task, max_calls)

    return make


def _gateway_door(
    url: str, labels: Sequence[str], task: str | None, max_calls: int
) -> Callable[[], Door]:
    def make() -> Door:
        from metallm.cli.doors import GatewayDoor

        return GatewayDoor(url, labels, task, max_calls)

    return make


def _say(tally: Tally, always: Sequence[Always], *, out: str, as_json: bool) -> None:
    from metallm.cli.fixed import best_of, dearest_of, plain, told

    judged = tally.whole.judged > 0
    best = best_of(always) if judged else None
    if as_json:
        best_single = None if best is None else best.arm
        document = {**tally.plain(), "always": plain(always), "best_single": best_single}
        put_json({**document, "out": out})
        return
    put_table(tally.table())
    if tally.unread:
        tell(f"{tally.unread} answers named none of the labels, or several: their label is null")
    if judged and len(tally.arms) > 1:
        tell(
            "an arm's accuracy is that on the rows it was chosen for, which differ from arm to "
            "arm: it does not tell what it would have got on the others"
        )
    dearest = dearest_of(always)
    for each in dict.fromkeys(each for each in (best, dearest) if each is not None):
        tell(told(each, judged=judged))
    tell(f"answers are in {out}")
