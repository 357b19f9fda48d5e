"""`metallm log`: the newest decisions and what became of them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metallm.cli.configured import open_log, read_settings
from metallm.cli.console import put_json, put_table, tell, usd
from metallm.cli.options import AsJson, Config, Store  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome


def log(
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many decisions.")] = 20,
    decision: Annotated[
        str | None, typer.Option("--decision", metavar="ID", help="One decision with all details.")
    ] = None,
    config: Config = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest decisions and what became of them.

    Reads the log beside a gateway that writes it.
    """
    from metallm.errors import UnknownDecisionError

    with closing(open_log(read_settings(config, store=store))) as opened:
        if decision is None:
            found = opened.recent(limit)
        else:
            one = opened.decision(decision)
            if one is None:
                raise UnknownDecisionError(decision)
            found = [(one, opened.outcomes(decision))]
    if as_json or decision is not None:
        for each in found:
            put_json(described(*each))
    elif found:
        _show(found)
    else:
        tell("the log holds no decisions yet")


def described(decision: Decision, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A decision and its outcomes as plain values, without context and words: long, unreadable."""
    from dataclasses import asdict

    plain = {**asdict(decision), "outcomes": [asdict(outcome) for outcome in outcomes]}
    del plain["context"], plain["words"]
    return plain


def _show(found: Sequence[tuple[Decision, Sequence[Outcome]]]) -> None:
    from rich.table import Table

    table = Table("at (UTC)", "decision", "arm", "propensity", "answered", "cost", "quality")
    for decision, outcomes in found:
        table.add_row(
            datetime.fromtimestamp(decision.at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S"),
            decision.id,
            decision.arm,
            f"{decision.propensity:.3f}",
            _answered(outcomes),
            _cost(outcomes),
            _quality(outcomes),
        )
    put_table(table)


def _answered(outcomes: Sequence[Outcome]) -> str:
    """The arm that answered, or that none did."""
    arm = next((each.arm for each in outcomes if each.kind == "completion"), None)
    failures = sum(each.kind == "failure" for each in outcomes)
    told = f" after {failures} failure{'s' if failures > 1 else ''}" if failures else ""
    beside = [each.arm for each in outcomes if each.kind == "overtaken"]
    return (arm or "-") + told + (f" ahead of {beside[0]}" if beside else "")


def _cost(outcomes: Sequence[Outcome]) -> str:
    """All that was billed: what a stream cost before it broke off is paid too."""
    bills = [each.cost_usd for each in outcomes if each.cost_usd is not None]
    return usd(sum(bills)) if bills else "-"


def _quality(outcomes: Sequence[Outcome]) -> str:
    """The judgement that stands; a judge's where nothing truer came."""
    judged = [each for each in outcomes if each.quality is not None]
    true = [each for each in judged if each.judge is None]
    last = (true or judged)[-1:]
    return f"{last[0].quality:g}{_by(last[0])}" if last else "-"


def _by(outcome: Outcome) -> str:
    return f" by {outcome.judge}" if outcome.judge is not None else ""
