"""The demo's two servers: the sandbox, and the gateway before it, as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metallm.cli.guard import WorkFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

STOP_S = 10.0

COST_WEIGHT = 0.1

_ARM = """
[[arms]]
name = "{name}"
base_url = "{base_url}"
input_price = {input}
output_price = {output}
"""


@contextmanager
def demo_gateway(folder: Path, table: pa.Table, seed: int) -> Iterator[str]:
    """A gateway that routes to simulated LLMs, on free loopback ports.

    Args:
        folder: an empty one; settings, recordings and what the servers say go there.
        table: what the simulated LLMs answer.
        seed: of the router.

    Yields:
        The gateway's URL. Both servers are gone when the block is left.

    Raises:
        WorkFailedError: a server did not start; the message holds what it said.
    """
    from pyarrow import parquet

    data, settings = folder / "synthetic.parquet", folder / "demo.toml"
    parquet.write_table(table, data)
    with _server(folder, "sandbox", str(data)) as upstream:
        settings.write_text(_settings(upstream, seed), encoding="utf-8")
        with _server(folder, "serve", "--config", str(settings)) as gateway:
            yield gateway


def _settings(upstream: str, seed: int) -> str:
    from metallm.sandbox.synthetic import PRICES

    # in memory: the demo is to leave nothing behind
    head = f'[store]\npath = ""\n[router]\ncost_weight = {COST_WEIGHT}\nseed = {seed}\n'
    return head + "".join(
        _ARM.format(name=name, base_url=f"{upstream}/v1", input=price.input, output=price.output)
        for name, price in PRICES.items()
    )


@contextmanager
def _server(folder: Path, command: str, *arguments: str) -> Iterator[str]:
    """One of our own commands that serves; gives its URL once it takes requests."""
    import orjson

    said = folder / f"{command}.log"
    with said.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "metallm.cli", command, "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
        )
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        line = process.stdout.readline()
        if not line:
            told = said.read_text(errors="replace").strip()
            raise WorkFailedError(f"the demo's {command} did not start: {told}")
        place = orjson.loads(line)
        yield f"http://{place['host']}:{place['port']}"
    finally:
        _stop(process)


def _environment() -> dict[str, str]:
    """Ours, without settings: the demo's are its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("METALLM_")}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
