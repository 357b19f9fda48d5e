"""`metallm models`: the arms that are set up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from metallm.cli.configured import read_settings
from metallm.cli.console import put_json, put_table, tell
from metallm.cli.options import AsJson, Config  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.arm import Arm


def models(config: Config = None, as_json: AsJson = False) -> None:
    """Show the arms: prices, address, and whether the key is there."""
    arms = [each.arm() for each in read_settings(config).arms]
    rows = [describe(arm, os.environ) for arm in arms]
    if as_json:
        put_json(rows)
    elif rows:
        _show(rows)
    else:
        tell("no arms are set up: add [[arms]] to metallm.toml, or write one with 'metallm init'")


def describe(arm: Arm, environ: Mapping[str, str]) -> dict[str, Any]:
    """What there is to know about an arm, its key's value apart.

    Args:
        arm: as it is set up.
        environ: where its key is looked up.

    Returns:
        Prices are USD per million tokens, None where unknown. "key" is "there", "missing" or
        "not needed", or "AWS's" where AWS's credentials sign instead.

    Raises:
        ConfigurationError: its base_url is none, or its provider is unknown.
    """
    from metallm.providers.prices import priced
    from metallm.providers.registry import endpoint

    place, known = endpoint(arm), priced(arm)
    there = bool(place.api_key_env and environ.get(place.api_key_env, "").strip())
    absent = "missing" if place.key_required else "AWS's" if place.signed else "not needed"
    return {
        "name": arm.name,
        "model": arm.upstream_model,
        "base_url": place.base_url,
        "input_price": known.input_price,
        "output_price": known.output_price,
        "price": _source(arm, known),
        "api_key_env": place.api_key_env,
        "key": "there" if there else absent,
    }


def _source(arm: Arm, known: Arm) -> str:
    if known.input_price is None:
        return "unknown, flagged" if arm.price == "unknown" else "unknown"
    return "given" if arm.input_price is not None else "price table"


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table

    table = Table("arm", "input", "output", "price", "base_url", "key")
    for row in rows:
        variable = f" ({row['api_key_env']})" if row["api_key_env"] else ""
        table.add_row(
            row["name"],
            _price(row["input_price"]),
            _price(row["output_price"]),
            row["price"],
            row["base_url"],
            row["key"] + variable,
        )
    put_table(table)
    tell("prices are USD per million tokens")
    for row in rows:
        if row["price"] == "unknown":
            tell(
                f"{row['name']}: no price is known, so it cannot be routed to; give input_price "
                'and output_price, or price = "unknown" to flag its costs as unknown'
            )


def _price(price: float | None) -> str:
    return "?" if price is None else f"{price:g}"
