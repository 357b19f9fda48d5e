"""`metallm paper`: the protocol of the paper on recorded outcomes of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metallm.cli.console import progress, put_json, put_table, tell
from metallm.cli.files import check_writable, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.assembly import Router
    from metallm.core.arm import Arm
    from metallm.evaluation.paper_protocol import Contender
    from metallm.evaluation.paper_results import Comparison
    from metallm.tables.recordings import Recordings

PAPER = "paper"
OURS = "squarecb"


def paper(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Recorded outcomes, .parquet, .csv or .jsonl: query, model, score, cost_usd.",
        ),
    ],
    budget: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="Tune to this model's cost. May be repeated. Default: each model's.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="How many shuffles.")] = 5,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all figures there; - for stdout."),
    ] = None,
) -> None:
    """Repeat the paper's experiment on recorded outcomes.

    The paper's algorithm and ours, offline, online and hybrid: p is tuned on validation rows so
    that the router costs no more than a single model, then frozen, and the test rows are decided.
    """
    from metallm.tables.recordings import Recordings

    to_stdout = json_file == Path("-")
    if json_file is not None and not to_stdout:
        check_writable(json_file)
    found = _compare(Recordings.read(data), budget or (), range(seeds))
    if found.left_out:
        tell(f"left out, for no cost is recorded: {', '.join(found.left_out)}")
    _say(found, None if to_stdout else json_file, to_stdout=to_stdout)


def _compare(recordings: Recordings, budgets: Sequence[str], seeds: Sequence[int]) -> Comparison:
    from metallm.cli.recorded_arms import arms_of
    from metallm.evaluation.paper_protocol import compare

    with progress("paper") as report:
        return compare(
            recordings,
            contenders(arms_of(recordings)),
            budgets=budgets,
            seeds=seeds,
            progress=lambda done, total: report(done, total, "budgets"),
        )


def contenders(arms: Mapping[str, Arm]) -> tuple[Contender, ...]:
    """The paper's algorithm and ours, through the same router.

    The paper's learns the reward, so that each p needs a router of its own; ours learns the
    quality and takes p with every decision.

    Args:
        arms: the models by name.
    """
    from metallm.evaluation.paper_protocol import Contender

    return (
        Contender(PAPER, _maker(arms, PAPER)),
        Contender(OURS, _maker(arms, OURS), weighs_per_decision=True),
    )


def _maker(arms: Mapping[str, Arm], policy: str) -> Callable[[int, Sequence[str], float], Router]:
    from metallm.assembly import Router
    from metallm.store.memory import MemoryStore

    def make(seed: int, names: Sequence[str], cost_weight: float) -> Router:
        return Router(
            [arms[name] for name in names],
            cost_weight=cost_weight,
            policy=policy,
            seed=seed,
            # each decision is judged before the next one, and none is looked at again
            store=MemoryStore(capacity=1),
        )

    return make


def _say(found: Comparison, path: Path | None, *, to_stdout: bool) -> None:
    from metallm.evaluation.paper_report import report, rich_tables

    if to_stdout:
        put_json(report(found))
        return
    for table in rich_tables(found):
        put_table(table)
    if path is not None:
        import orjson

        text = orjson.dumps(report(found), option=orjson.OPT_INDENT_2)
        write_atomically(path, lambda temporary: temporary.write_bytes(text))
        tell(f"wrote {path}")
