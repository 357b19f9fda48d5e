"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The settings. Default: metallm.toml, if it is there."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
Store = Annotated[
    str | None, typer.Option("--store", metavar="FILE", help="The log, an SQLite file.")
]
CostWeight = Annotated[
    float | None,
    typer.Option("--cost-weight", metavar="P", help="p in reward = quality - p * cost."),
]
Policy = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="NAME",
        help="squarecb, linucb, thompson, greedy, paper, random or fixed:ARM.",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of every draw.")]
