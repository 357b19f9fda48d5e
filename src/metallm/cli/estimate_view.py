"""An estimate as a table with its assumptions, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.cli.console import put_table, tell, usd
from metallm.cli.tally import percent

if TYPE_CHECKING:
    from metallm.cli.estimated import ArmEstimate, Estimate


def say(found: Estimate) -> None:
    """One line an arm, then what routing is expected to come to, and what that assumes."""
    from rich.table import Table

    tell(
        f"{found.left:,} of {found.rows:,} rows would be asked; nobody was, and nothing is written"
    )
    if not found.left:
        return
    table = Table("always", "at list price", "as learned", "at most", "chosen now")
    for column in table.columns[1:]:
        column.justify = "right"
    for each in found.arms:
        learned = "-" if each.learned_usd is None else usd(each.learned_usd)
        most = "no bound" if each.at_most_usd is None else usd(each.at_most_usd)
        table.add_row(each.arm, usd(each.list_usd), learned, most, percent(each.share))
    put_table(table)
    for line in (*_routed(found), *assumptions(found)):
        tell(line)


def assumptions(found: Estimate) -> list[str]:
    """What the figures rest on, a sentence each."""
    told = [
        f"input: {found.input_tokens:,} tokens in all prompts, a guess of four characters a token"
        + (f", {found.examples} examples in each" if found.examples else ""),
        (
            f"output: {found.output_tokens} tokens an answer is an assumption, that of a bare "
            "label; models that reason write many more. As learned is by the bills of before"
        ),
        (
            "at most: no call passes that under --budget, where answers end at "
            f"{found.output_limit} tokens unless an arm's options say otherwise"
        ),
    ]
    if found.looked_at < found.left:
        told.append(f"chosen now: looked at for {found.looked_at:,} rows, evenly over the file")
    if found.max_calls > 1:
        told.append(
            f"routing tells of the first call of each row; up to {found.max_calls - 1} more may "
            "follow where they are worth their cost, up to as many times as much"
        )
    return told


def plain(found: Estimate) -> dict[str, Any]:
    """As values that JSON can hold; null where nothing tells."""
    known = found.known
    return {
        "rows": found.rows,
        "to_ask": found.left,
        "examples": found.examples,
        "input_tokens": found.input_tokens,
        "output_tokens_per_answer": found.output_tokens,
        "output_limit": found.output_limit,
        "arms": {each.arm: _plain(each) for each in found.arms},
        "routing": {
            "policy": found.policy,
            "expected_usd": found.routed_usd if known else None,
            "cheapest_usd": known[0].expected_usd if known else None,
            "cheapest": known[0].arm if known else None,
            "dearest_usd": known[-1].expected_usd if known else None,
            "dearest": known[-1].arm if known else None,
            "own_share": found.own_share,
            "unknown_share": found.unknown_share,
            "rows_looked_at": found.looked_at,
            "max_calls": found.max_calls,
        },
        "assumptions": assumptions(found),
    }


def _plain(each: ArmEstimate) -> dict[str, Any]:
    return {
        "list_usd": each.list_usd,
        "learned_usd": each.learned_usd,
        "expected_usd": each.expected_usd,
        "at_most_usd": each.at_most_usd,
        "share": each.share,
        "price_known": each.list_usd is not None,
    }


def _routed(found: Estimate) -> list[str]:
    known = found.known
    if not known:
        return ["no arm's price is known and no bill of one was seen: the cost cannot be told"]
    low, high = known[0], known[-1]
    told = [
        (
            f"routed as the router chooses now ({found.policy}): {usd(found.routed_usd)} expected, "
            f"between {usd(low.expected_usd)} (always {low.arm}) and {usd(high.expected_usd)} "
            f"(always {high.arm}); it learns on the way"
        )
    ]
    if found.own_share > 0.0005:
        told.append(f"{percent(found.own_share)} of the rows by the text alone, at no cost")
    if found.unknown_share > 0.0:
        names = ", ".join(each.arm for each in found.arms if each.expected_usd is None)
        told.append(
            f"UNKNOWN: {percent(found.unknown_share)} of the rows would go to {names}, whose price "
            "nobody knows: their cost is not in these figures"
        )
    return told
