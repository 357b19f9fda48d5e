"""CPU, latency and memory of one server under load."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from serving.processes import cpu_s, resident_mib

LOAD = str(Path(__file__).with_name("load.py"))


@dataclass(frozen=True, slots=True)
class Target:
    """A server that answers chat completions.

    Args:
        name: shown.
        url: of chat completions.
        model: what is asked for.
        pid: of its process.
        key: sent along; "" for none.
    """

    name: str
    url: str
    model: str
    pid: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one load came to.

    Args:
        cpu_ms: of the server's process tree, for each request.
        seconds: of each request.
    """

    cpu_ms: float
    seconds: list[float]

    def quantile_ms(self, share: float) -> float:
        """Latency below which that share of requests lies."""
        cut = statistics.quantiles(self.seconds, n=1000, method="inclusive")
        return 1000.0 * cut[min(max(round(share * 1000) - 1, 0), 998)]


def load(target: Target, count: int, connections: int, *, stream: bool = False) -> Run:
    """Send requests and see what the server used for them."""
    before = cpu_s(target.pid)
    kind = "stream" if stream else "whole"
    done = subprocess.run(
        [sys.executable, LOAD, target.url, target.model, str(count), str(connections), kind,
         target.key],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    used = cpu_s(target.pid) - before
    return Run(1000.0 * used / count, json.loads(done.stdout))


def memory_mib(target: Target) -> float:
    """What the server holds now."""
    return resident_mib(target.pid)
