"""What OpenTelemetry costs the gateway for each request, in CPU, in one run.

    python benchmarks/speed/telemetry.py [--requests N] [--rounds N]

Gateways of the same settings before one mock upstream, all processes of their own on loopback: one
that tells nobody, one that tells a collector of every request, one that leaves metrics to
Prometheus, one that tells of one request in twenty (metrics are of all), and one whose collector is
not there. The collector takes everything and does nothing. CPU is that of the gateway's whole
process tree, the threads that send included. The loads take turns; the median round counts, with
the range beside it, and the median difference to the gateway that tells nobody.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from serving.measures import Target, load, memory_mib
from serving.processes import free_port, server
from serving.sites import settings_file
from serving.turns import by_turns, say

HERE = Path(__file__).resolve().parent / "serving"

OFF = "off"
SAMPLED = ("OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.05")
KINDS: dict[str, tuple[bool, tuple[str, ...]]] = {
    "every request": (True, ()),
    "traces alone": (True, ("OTEL_METRICS_EXPORTER=none",)),
    "one in twenty": (True, SAMPLED),
    "nobody there": (False, ()),
}
"""Whether there is a collector, and variables."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=4000, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        targets = _targets(Path(folder), stack)
        for target in targets:
            load(target, 300, 8)
        for stream in (False, True):
            count = options.requests // (4 if stream else 1)
            found = by_turns(targets, count, options.rounds, stream=stream)
            say(found, OFF, stream=stream)
        for target in targets:
            print(f"  {target.name:14s} {memory_mib(target):.0f} MiB")


def _targets(folder: Path, stack: ExitStack) -> list[Target]:
    upstream, collector = _mock(stack), _mock(stack)
    targets = []
    for name, (there, variables) in {OFF: (False, ()), **KINDS}.items():
        place = folder / name.replace(" ", "-")
        place.mkdir()
        port = free_port()
        config = settings_file(place, f"http://127.0.0.1:{upstream}", port)
        if name != OFF:
            taker = collector if there else free_port()
            config.write_text(
                f'[otel]\nendpoint = "http://127.0.0.1:{taker}"\n{config.read_text("utf-8")}',
                encoding="utf-8",
            )
        command = ["env", *variables, sys.executable, "-m", "metallm.cli", "serve"]
        pid, _ = stack.enter_context(server(command, port, cwd=place))
        targets.append(Target(name, f"http://127.0.0.1:{port}/v1/chat/completions", "auto", pid))
    return targets


def _mock(stack: ExitStack) -> int:
    """The port of a server that answers whatever it is sent."""
    port = free_port()
    stack.enter_context(server([sys.executable, str(HERE / "upstream.py"), str(port)], port))
    return port


if __name__ == "__main__":
    main()
