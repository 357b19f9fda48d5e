"""What keys, limits and budgets cost the gateway for each request, in CPU, in one run.

    python benchmarks/speed/keys.py [--requests N] [--rounds N]

Two gateways of the same settings before one mock upstream, all processes of their own on loopback:
one without keys, and one with a key of each kind. The loads take turns; the median round counts,
with the range beside it, and the median difference to the gateway without keys.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from serving.measures import Target, load
from serving.processes import free_port, server
from serving.sites import settings_file
from serving.turns import by_turns, say

HERE = Path(__file__).resolve().parent / "serving"

KEYS: dict[str, tuple[str, ...]] = {
    "a key": (),
    "and limits": ("--requests-per-minute", "1e9", "--tokens-per-minute", "1e12"),
    "and a budget": ("--budget", "1e6", "--budget-window", "day"),
    "and both": (
        *("--requests-per-minute", "1e9", "--tokens-per-minute", "1e12"),
        *("--budget", "1e6", "--budget-window", "day"),
    ),
}
OPEN = "no keys"


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
            say(found, OPEN, stream=stream)


def _targets(folder: Path, stack: ExitStack) -> list[Target]:
    upstream = free_port()
    told = [sys.executable, str(HERE / "upstream.py"), str(upstream)]
    stack.enter_context(server(told, upstream))
    targets = []
    for name in ("open", "keyed"):
        place = folder / name
        place.mkdir()
        port = free_port()
        settings_file(place, f"http://127.0.0.1:{upstream}", port)
        keys = {} if name == "open" else {kind: _key(place, kind) for kind in KEYS}
        command = [sys.executable, "-m", "metallm.cli", "serve"]
        pid, _ = stack.enter_context(server(command, port, cwd=place))
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        targets += [Target(kind, url, "auto", pid, key) for kind, key in keys.items()]
        if not keys:
            targets.append(Target(OPEN, url, "auto", pid))
    return targets


def _key(place: Path, kind: str) -> str:
    command = [sys.executable, "-m", "metallm.cli", "keys", "add", kind, *KEYS[kind]]
    done = subprocess.run(command, check=True, cwd=place, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
