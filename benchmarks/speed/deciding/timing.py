"""Wall and CPU time of something that is done again and again."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pair = tuple[Callable[[int], int], Callable[[int, int], object]]


WARM = 3
"""Calls at the start of a turn that are not counted."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds per call: the median over blocks of calls, and how far the blocks spread.

    Args:
        us: median, wall clock.
        low: a quarter of the blocks took less.
        high: a quarter took more.
        cpu_us: median, CPU time of the process. Of calls that take turns it is the wall clock's
            time the share of the block that the process was running.
        blocks: number of blocks.
        calls: calls in each.
    """

    us: float
    low: float
    high: float
    cpu_us: float
    blocks: int
    calls: int

    @classmethod
    def of(cls, wall: Sequence[float], cpu: Sequence[float], calls: int) -> Timing:
        """From microseconds per call of each block."""
        low, middle, high = (float(each) for each in np.percentile(wall, [25, 50, 75]))
        return cls(middle, low, high, float(np.median(cpu)), len(wall), calls)

    def __str__(self) -> str:
        return (
            f"{self.us:9.1f} µs ({self.low:.1f} to {self.high:.1f}, CPU {self.cpu_us:.1f}; "
            f"{self.blocks} × {self.calls})"
        )


def timed(call: Callable[[int], object], *, blocks: int, calls: int) -> Timing:
    """Time `call`, which is given a running number; one block before is not counted."""
    wall, cpu = [], []
    number = 0
    for block in range(blocks + 1):
        gc.collect()
        cpu_start, start = time.process_time_ns(), time.perf_counter_ns()
        for _ in range(calls):
            call(number)
            number += 1
        stop, cpu_stop = time.perf_counter_ns(), time.process_time_ns()
        if block:
            wall.append((stop - start) / calls / 1e3)
            cpu.append((cpu_stop - cpu_start) / calls / 1e3)
    return Timing.of(wall, cpu, calls)


def timed_in_turn(pairs: Sequence[Pair], *, blocks: int, calls: int) -> list[tuple[Timing, Timing]]:
    """Time pairs of calls that follow one another, as deciding and learning do.

    Several pairs take turns block by block, so that what else the machine does strikes all alike.
    The first WARM pairs of calls in each turn are not counted: another's turn emptied the caches.

    Args:
        pairs: of each the first is given a running number, the second that and what the first
            returned.
        blocks: blocks of each that count; one more is run before.
        calls: pairs of calls in a block.
    """
    walls: list[tuple[list[float], list[float]]] = [([], []) for _ in pairs]
    shares: list[list[float]] = [[] for _ in pairs]
    for block in range(blocks + 1):
        for (first, second), wall, share in zip(pairs, walls, shares, strict=True):
            gc.collect()
            start = block * (WARM + calls)
            _block(first, second, range(start, start + WARM))
            running, begun = time.process_time_ns(), time.perf_counter_ns()
            spent = _block(first, second, range(start + WARM, start + WARM + calls))
            passed = time.perf_counter_ns() - begun
            if block:
                share.append((time.process_time_ns() - running) / passed)
                for kept, total in zip(wall, spent, strict=True):
                    kept.append(total / calls / 1e3)
    return [
        (_shared(first, share, calls), _shared(second, share, calls))
        for (first, second), share in zip(walls, shares, strict=True)
    ]


def _shared(wall: Sequence[float], share: Sequence[float], calls: int) -> Timing:
    cpu = [each * running for each, running in zip(wall, share, strict=True)]
    return Timing.of(wall, cpu, calls)


def _block(
    first: Callable[[int], int], second: Callable[[int, int], object], numbers: range
) -> tuple[int, int]:
    """Nanoseconds of all first and of all second calls."""
    clock = time.perf_counter_ns
    on_first = on_second = 0
    for number in numbers:
        start = clock()
        found = first(number)
        middle = clock()
        second(number, found)
        on_second += clock() - middle
        on_first += middle - start
    return on_first, on_second
