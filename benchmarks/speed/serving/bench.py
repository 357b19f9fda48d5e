"""The whole measurement, from options to figures."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from serving.measures import Run, Target, load, memory_mib
from serving.processes import free_port, server
from serving.sites import (
    LITELLM_KEY,
    client_key,
    installed_mb,
    litellm_files,
    settings_file,
)

HERE = Path(__file__).resolve().parent


def main(told: str) -> None:
    """Measure, print, and write the figures.

    Args:
        told: what `--help` says.
    """
    options = _options(told)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        found = _measured(options, Path(folder), stack)
    if options.installed:
        found["installed_mb"] = (installed_mb(),) * 3
    for name, (low, middle, high) in found.items():
        print(f"{name:24s} {middle:9.3f}   {low:.3f} to {high:.3f}")
    if options.json is not None:
        plain = {name: middle for name, (_, middle, _) in found.items()}
        options.json.write_text(json.dumps({"figures": plain}, indent=1), encoding="utf-8")
    if options.markdown is not None:
        options.markdown.write_text(_page(found, options), encoding="utf-8")


Spread = tuple[float, float, float]
"""Lowest, median and highest round."""


def _measured(options: argparse.Namespace, folder: Path, stack: ExitStack) -> dict[str, Spread]:
    count, rounds = (2_000, 2) if options.quick else (options.requests, options.rounds)
    upstream = free_port()
    direct, _ = stack.enter_context(
        server([sys.executable, str(HERE / "upstream.py"), str(upstream)], upstream)
    )
    base = f"http://127.0.0.1:{upstream}"
    targets = {"direct": Target("direct", f"{base}/v1/chat/completions", "mock", direct)}
    found: dict[str, Spread] = {}
    passed = free_port()
    pid, _ = stack.enter_context(
        server([sys.executable, str(HERE / "passthrough.py"), str(passed), base], passed)
    )
    targets["passthrough"] = _target("passthrough", passed, "mock", pid)
    own = free_port()
    config = settings_file(folder, base, own)
    key = client_key(config)
    command = [sys.executable, "-m", "metallm.cli", "serve", "--config", str(config)]
    found["start_s"] = _spread([_start_s(command, own, folder) for _ in range(5)])
    pid, _ = stack.enter_context(server(command, own, cwd=folder))
    targets["metallm"] = _target("metallm", own, "auto", pid, key)
    found["import_s"] = _spread([_import_s() for _ in range(5)])
    if options.litellm is not None:
        port = free_port()
        arguments = litellm_files(options.litellm, folder, base, port)
        pid, started = stack.enter_context(server(arguments, port, cwd=folder))
        targets["litellm"] = _target("litellm", port, "mock", pid, LITELLM_KEY)
        found["start_s.litellm"] = (started,) * 3
    _warm(targets)
    found |= _loads(targets, count, rounds)
    found |= _memory(targets["metallm"], 10_000 if options.quick else options.memory_requests)
    return found


def _target(name: str, port: int, model: str, pid: int, key: str = "") -> Target:
    return Target(name, f"http://127.0.0.1:{port}/v1/chat/completions", model, pid, key)


def _warm(targets: dict[str, Target]) -> None:
    for target in targets.values():
        load(target, 300, 8)
        load(target, 50, 8, stream=True)


def _loads(targets: dict[str, Target], count: int, rounds: int) -> dict[str, Spread]:
    """All loads, the servers taking turns within each round."""
    whole: dict[str, list[Run]] = {name: [] for name in targets}
    streams: dict[str, list[Run]] = {name: [] for name in targets}
    alone: dict[str, list[Run]] = {name: [] for name in targets}
    for number in range(rounds):
        for name, target in targets.items():
            fewer = 10 if name == "litellm" else 1
            whole[name].append(load(target, count // fewer, 32))
            streams[name].append(load(target, count // 4 // fewer, 32, stream=True))
            alone[name].append(load(target, count // 8 // fewer, 1))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    found: dict[str, Spread] = {}
    for name in targets:
        if name == "direct":
            continue
        tail = "" if name == "metallm" else f".{name}"
        found[f"cpu_ms{tail}"] = _spread([run.cpu_ms for run in whole[name]])
        found[f"cpu_ms_stream{tail}"] = _spread([run.cpu_ms for run in streams[name]])
        found[f"p50_added_ms{tail}"] = _spread(
            [run.quantile_ms(0.5) - other.quantile_ms(0.5)
             for run, other in zip(alone[name], alone["direct"], strict=True)]
        )  # fmt: skip
        found[f"p99_over_p50{tail}"] = _spread(
            [run.quantile_ms(0.99) / run.quantile_ms(0.5) for run in whole[name]]
        )
    found["vs_passthrough"] = _ratios(whole["metallm"], whole["passthrough"])
    found["vs_passthrough_stream"] = _ratios(streams["metallm"], streams["passthrough"])
    if "litellm" in targets:
        found["vs_litellm"] = _ratios(whole["litellm"], whole["metallm"])
    return found


def _ratios(upper: list[Run], lower: list[Run]) -> Spread:
    return _spread([a.cpu_ms / b.cpu_ms for a, b in zip(upper, lower, strict=True)])


def _memory(target: Target, count: int) -> dict[str, Spread]:
    """Memory after a tenth of the requests and after all of them."""
    load(target, count // 10, 32)
    early = memory_mib(target)
    load(target, count - count // 10, 32)
    late = memory_mib(target)
    return {"rss_mib": (late,) * 3, "rss_growth_mib": (late - early,) * 3}


def _start_s(command: list[str], port: int, folder: Path) -> float:
    with server(command, port, cwd=folder) as (_, started):
        return started


def _import_s() -> float:
    timed = "import time; t = time.perf_counter(); import metallm; print(time.perf_counter() - t)"
    done = subprocess.run(
        [sys.executable, "-c", timed], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def _spread(values: list[float]) -> Spread:
    return min(values), statistics.median(values), max(values)


def _page(found: dict[str, Spread], options: argparse.Namespace) -> str:
    lines = [
        "# The gateway's speed",
        "",
        (
            "Load, gateway and mock upstream on loopback, each its own process, two shared cores. "
            "Routing among 12 arms, embedding, durable log, keys and metrics are on. Medians of "
            f"{options.rounds} rounds of {options.requests:,} requests, the servers taking turns; "
            "the range of rounds beside them."
        ),
        "",
        "Repeat with",
        "",
        "    python benchmarks/speed/gateway.py",
        "",
        "| figure | median | range |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {middle:.3f} | {low:.3f} to {high:.3f} |"
        for name, (low, middle, high) in found.items()
    ]
    return "\n".join(lines) + "\n"


def _options(told: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=told, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few requests")
    parser.add_argument("--requests", type=int, default=8_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-requests", type=int, default=100_000)
    parser.add_argument("--litellm", type=Path, metavar="PYTHON", help="with LiteLLM's proxy")
    parser.add_argument("--installed", action="store_true", help="measure a fresh install too")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--markdown", type=Path, metavar="OUT")
    return parser.parse_args()
