"""`metallm sandbox`: an upstream that answers from recordings."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated
from urllib.parse import urlsplit

import typer

from metallm.cli.console import put_json, tell
from metallm.cli.options import AsJson  # noqa: TC001 - typer reads the annotations


def sandbox(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Recorded outcomes, .parquet, .csv or .jsonl: query, model, score."
        ),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")
    ] = 9100,
    latency: Annotated[
        float, typer.Option(min=0.0, metavar="S", help="Seconds before every answer.")
    ] = 0.0,
    error_rate: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, metavar="P", help="Share of requests that fail on purpose."),
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the draw that decides which fail.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Serve recorded answers as OpenAI's API would.

    To try things without keys or costs. With --json one line with host and port is
    written to stdout when the port is open.
    """
    from metallm.sandbox.serve import serve
    from metallm.tables.recordings import Recordings

    recordings = Recordings.read(data)

    def ready(url: str) -> None:
        tell(f"sandbox with {len(recordings)} queries of {len(recordings.models)} models: {url}")
        tell(f"models: {', '.join(recordings.models)}")
        if as_json:
            place = urlsplit(url)
            put_json({"host": place.hostname, "port": place.port})

    serve(
        recordings,
        host,
        port,
        latency_s=latency,
        error_rate=error_rate,
        seed=seed,
        ready=ready,
    )
