"""`metallm replay`: what a router would have done with recorded outcomes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metallm.cli.configured import read_settings
from metallm.cli.console import progress, put_json, put_table, tell
from metallm.cli.files import check_writable, write_atomically
from metallm.cli.options import Config, CostWeight, Policy  # noqa: TC001 - typer reads them

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.assembly import Router
    from metallm.evaluation.results import Replay
    from metallm.settings import RouterSettings
    from metallm.tables.recordings import Recordings


class Mode(StrEnum):
    """How the router learns in a replay."""

    OFFLINE = "offline"
    ONLINE = "online"
    HYBRID = "hybrid"
    ALL = "all"


def replay(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Recorded outcomes, .parquet, .csv or .jsonl: query, model, score, cost_usd.",
        ),
    ],
    mode: Annotated[
        Mode,
        typer.Option(
            help="offline: fit on 75 % of the queries, decide the rest. hybrid: the same, and "
            "learn on. online: know nothing at first, learn from every query."
        ),
    ] = Mode.ALL,
    policy: Policy = None,
    cost_weight: CostWeight = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="How many shuffles.")] = 5,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all figures there; - for stdout."),
    ] = None,
    config: Config = None,
) -> None:
    """Replay recorded outcomes through a router.

    Nothing is called: every model's answer to every query is on record, so what the router would
    have got is known, and so is what always asking the best, the cheapest or a random model gets.
    """
    from metallm.evaluation.report import report, rich_table
    from metallm.tables.recordings import Recordings

    to_stdout = json_file == Path("-")
    if json_file is not None and not to_stdout:
        check_writable(json_file)
    chosen = read_settings(config, policy=policy, cost_weight=cost_weight).router
    recordings = Recordings.read(data)
    modes = [each for each in Mode if each is not Mode.ALL and mode in {each, Mode.ALL}]
    found = [_replay(recordings, each, chosen, range(seeds)) for each in modes]
    if found[0].left_out:
        tell(f"left out, for no cost is recorded: {', '.join(found[0].left_out)}")
    if to_stdout:
        put_json([report(each) for each in found])
        return
    for each in found:
        put_table(rich_table(each))
    if json_file is not None:
        _write(json_file, found)


def _replay(
    recordings: Recordings, mode: Mode, chosen: RouterSettings, seeds: Sequence[int]
) -> Replay:
    from metallm.evaluation.replay import replay as run

    make = _maker(recordings, chosen)
    with progress(mode.value) as report:
        return run(
            recordings,
            make,
            mode=mode.value,  # type: ignore[arg-type]  # "all" was taken apart before
            cost_weight=chosen.cost_weight,
            seeds=seeds,
            progress=lambda done, total: report(done, total, "queries"),
        )


def _maker(
    recordings: Recordings, chosen: RouterSettings
) -> Callable[[int, Sequence[str]], Router]:
    from metallm.assembly import Router
    from metallm.cli.recorded_arms import arms_of

    arms = arms_of(recordings)

    def make(seed: int, names: Sequence[str]) -> Router:
        return Router(
            [arms[name] for name in names],
            cost_weight=chosen.cost_weight,
            policy=chosen.policy,
            seed=seed,
            student=False,  # a replay asks for arms, and a fit need not teach labels
        )

    return make


def _write(path: Path, found: Sequence[Replay]) -> None:
    import orjson

    from metallm.evaluation.report import report

    text = orjson.dumps([report(each) for each in found], option=orjson.OPT_INDENT_2)
    write_atomically(path, lambda temporary: temporary.write_bytes(text))
    tell(f"wrote {path}")
