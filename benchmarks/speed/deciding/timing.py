"""Wall and CPU time of something that is done again and again."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds per call: the median over blocks of calls, and how far the blocks spread.

    Args:
        us: median, wall clock.
        low: a quarter of the blocks took less.
        high: a quarter took more.
        cpu_us: median, CPU time of the process; None where it was not taken apart.
        blocks: number of blocks.
        calls: calls in each.
    """

    us: float
    low: float
    high: float
    cpu_us: float | None
    blocks: int
    calls: int

    @classmethod
    def of(cls, wall: Sequence[float], cpu: Sequence[float] | None, calls: int) -> Timing:
        """From microseconds per call of each block."""
        low, middle, high = (float(each) for each in np.percentile(wall, [25, 50, 75]))
        return cls(middle, low, high, float(np.median(cpu)) if cpu else None, len(wall), calls)

    def __str__(self) -> str:
        cpu = "" if self.cpu_us is None else f", CPU {self.cpu_us:.1f}"
        return (
            f"{self.us:9.1f} µs ({self.low:.1f} to {self.high:.1f}{cpu}; "
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


def timed_in_turn(
    first: Callable[[int], int], second: Callable[[int, int], object], *, blocks: int, calls: int
) -> tuple[Timing, Timing]:
    """Time two calls that follow one another, as deciding and learning do.

    Args:
        first: given a running number.
        second: given the number and what `first` returned.
        blocks: blocks that count; one more is run before.
        calls: pairs in a block.
    """
    walls: tuple[list[float], list[float]] = ([], [])
    clock = time.perf_counter_ns
    number = 0
    for block in range(blocks + 1):
        gc.collect()
        spent = [0, 0]
        for _ in range(calls):
            start = clock()
            found = first(number)
            middle = clock()
            second(number, found)
            spent[1] += clock() - middle
            spent[0] += middle - start
            number += 1
        if block:
            for wall, total in zip(walls, spent, strict=True):
                wall.append(total / calls / 1e3)
    return Timing.of(walls[0], None, calls), Timing.of(walls[1], None, calls)
