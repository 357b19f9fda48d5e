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
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="TCP port; 0 takes a free one.")
    ] = 9100,
    latency: Annotated[
        float, typer.Option(min=0.0, metavar="S", help="Seconds before every answer.")
    ] = 0.0,
    error_rate: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, metavar="P", help="Share of requests that fail on purpose."),
    ] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=P",
            help="Share of requests that meet a fault, such as cut=0.1; may be given several "
            "times. Names: error, rate_limit, slow, cut, malformed, no_usage, usage_with_choices.",
        ),
    ] = None,
    slow: Annotated[
        float, typer.Option(min=0.0, metavar="S", help="Seconds that the fault slow waits.")
    ] = 5.0,
    retry_after: Annotated[
        int, typer.Option(min=0, metavar="S", help="Seconds that answers 429 ask to wait.")
    ] = 0,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of the draw that decides which fail.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Serve recorded answers as the providers' APIs would.

    To try things without keys or costs, in the wires of OpenAI, Anthropic, Gemini and Bedrock.
    Bedrock's requests have to be signed, with the access key "sandbox" and the secret "sandbox".
    With --json one line with host and port is written to stdout when the port is open.
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
        faults=_faults(fault or []),
        slow_s=slow,
        retry_after_s=retry_after,
        ready=ready,
    )


def _faults(given: list[str]) -> dict[str, float]:
    """Shares by name."""
    from metallm.errors import ConfigurationError

    shares = {}
    for each in given:
        name, _, share = each.partition("=")
        try:
            shares[name] = float(share)
        except ValueError as error:
            raise ConfigurationError(
                f"--fault takes a name and a share, such as cut=0.1, not {each!r}"
            ) from error
    return shares
