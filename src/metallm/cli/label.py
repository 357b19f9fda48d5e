"""`metallm label`: a person labels the queries that teach most."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metallm.cli.configured import open_log, read_settings
from metallm.cli.console import put, tell
from metallm.cli.guard import InterruptedWorkError, WorkFailedError
from metallm.cli.options import Config, Store  # noqa: TC001 - typer reads the annotations
from metallm.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.assembly import Router
    from metallm.router.labelling import Waiting
    from metallm.settings import Settings
    from metallm.store.sqlite import SqliteStore

KEEP_TEXTS = (
    "router.log_prompts = true keeps texts from now on; --export names the queries by their ids, "
    "for labels that you know from elsewhere"
)


def label(
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Queries of this task only.")
    ] = None,
    count: Annotated[
        int, typer.Option("-n", "--count", min=1, max=1000, metavar="N", help="How many queries.")
    ] = 30,
    show_answers: Annotated[
        bool,
        typer.Option(
            "--show-answers", help="Show what was answered before you choose; it may sway you."
        ),
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the queue as .csv with an empty column label."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="Tell the labels of such a file."),
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Tell labels to the gateway that writes the log."),
    ] = None,
    config: Config = None,
    store: Store = None,
) -> None:
    """Label the classifications that teach most, one key each.

    They are chosen from the newest in the log that have no true label. Every label is durable and
    learned at once. Reads from stdin, line by line, where that is no terminal.
    """
    settings = read_settings(config, store=store)
    if not settings.store.path:
        raise ConfigurationError(
            "store.path is empty: there is no log with queries to label; name one with --store"
        )
    if export is not None and source is not None:
        raise ConfigurationError("give --export or --import, not both")
    if export is not None:
        _export(settings, export, task, count)
    elif source is not None:
        _import(settings, source, gateway)
    else:
        _ask(settings, task, count, gateway, show_answers=show_answers)


def _export(settings: Settings, path: Path, task: str | None, count: int) -> None:
    from metallm.cli.label_files import write_queue

    chosen = _queue(settings, task, count, texts=False)
    missing = sum(each.first.text is None for each in chosen)
    write_queue(path, chosen)
    if missing:
        tell(f"{missing} of {len(chosen)} have no text in the log: {KEEP_TEXTS}")
    put(f"{len(chosen)} queries are in {path}: fill the column label, then --import {path}")


def _import(settings: Settings, path: Path, gateway: str | None) -> None:
    from metallm.cli.label_doors import label_door
    from metallm.cli.label_files import tell_labels

    with closing(label_door(settings, gateway)) as door:
        told, empty, bad = tell_labels(path, door)
    put(f"{told} labels told, {empty} rows left empty")
    if bad:
        raise WorkFailedError(
            f"{bad} rows were not taken: mend them and run the same command again, which tells "
            "no label twice"
        )


def _ask(
    settings: Settings, task: str | None, count: int, gateway: str | None, *, show_answers: bool
) -> None:
    from metallm.cli.label_doors import label_door
    from metallm.cli.label_session import LabelSession

    # a log that another process writes is told before anything is read
    with closing(label_door(settings, gateway)) as door:
        session = LabelSession(
            _queue(settings, task, count, texts=True), door, show_answers=show_answers
        )
        try:
            session.run()
        except KeyboardInterrupt as error:
            raise InterruptedWorkError(
                f"{len(session.labels)} labels are told and kept; the same command goes on with "
                "what is left"
            ) from error
        session.say()


def _queue(settings: Settings, task: str | None, count: int, *, texts: bool) -> list[Waiting]:
    """The queries to label, at least one.

    Args:
        settings: name the log.
        task: of these only; None for all.
        count: how many at most.
        texts: only those whose text is in the log.
    """
    from metallm.router.labelling import LOOK_AT, likely_by, queue, unlabelled

    with closing(open_log(settings)) as log:
        found = unlabelled(log.recent(LOOK_AT))
        waiting = [each for each in found if task is None or each.first.task == task]
        shown = [each for each in waiting if each.first.text is not None]
        if not waiting:
            raise InputError(_nothing(found, task))
        if texts and not shown:
            raise InputError(
                f"none of {len(waiting)} queries has its text in the log: {KEEP_TEXTS}"
            )
        if texts and len(shown) < len(waiting):
            missing = len(waiting) - len(shown)
            tell(f"{missing} of {len(waiting)} queries have no text in the log: {KEEP_TEXTS}")
        likely = likely_by(_knowing(settings, log))
        return [each.waiting for each in queue(shown if texts else waiting, likely, count)]


def _nothing(found: Sequence[Waiting], task: str | None) -> str:
    if task is None or not found:
        return (
            "no classification without a true label is among the newest decisions of the log: "
            "there is nothing to label"
        )
    tasks = sorted({each.first.task or "(no name)" for each in found})
    return f"no query of task {task!r} waits for a label; there are some of: {', '.join(tasks)}"


def _knowing(settings: Settings, log: SqliteStore) -> Router:
    """A router that knows what the log says and writes nothing, beside whoever writes it."""
    from metallm.assembly import Router
    from metallm.cli.frozen_log import FrozenLog

    snapshot = log.snapshot()
    # counted after the snapshot was read: it covers no more, though a gateway may write on
    last = log.counts()
    entries = last.decisions + last.outcomes + last.recorded
    frozen: Any = FrozenLog(log, entries, snapshot)
    chosen = settings.router
    return Router(
        [each.arm() for each in settings.arms],
        cost_weight=chosen.cost_weight,
        policy=chosen.policy,
        embedder=chosen.embedder,
        sentence_model=chosen.sentence_model or None,
        student=chosen.student,
        seed=chosen.seed,
        store=frozen,
    )
