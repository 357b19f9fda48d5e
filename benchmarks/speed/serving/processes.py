"""Servers as processes: started, waited for, and what they have used so far."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WAIT_S = 120.0
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def server(
    arguments: Sequence[str], port: int, *, cwd: Path | None = None
) -> Iterator[tuple[int, float]]:
    """A server's process id, and the seconds from its start until it took a connection."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                break
            if process.poll() is not None or time.perf_counter() - begun > WAIT_S:
                raise RuntimeError(f"{arguments[0]} did not begin to listen on {port}")
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - begun
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        process.kill()


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of all below it, so far."""
    return sum(_own_cpu_s(each) for each in _tree(pid))


def resident_mib(pid: int) -> float:
    """Memory of a process and of all below it, MiB."""
    total = 0
    for each in _tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
    return total / 1024


def _tree(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                told = (task / "children").read_text(encoding="ascii").split()
                found += [int(child) for child in told]
    return found


def _own_cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        # utime, stime, and those of children that ended: fields 14 to 17 of the whole line
        return sum(int(told[place]) for place in (11, 12, 13, 14)) / _TICKS
    return 0.0
