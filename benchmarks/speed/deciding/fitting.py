"""A fit of many recorded outcomes, in a process of its own so that its memory can be told.

    python fitting.py ROWS ARMS DIM

prints seconds, the contexts' bytes and how much the process' peak grew beyond what it had before.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fit:
    """What one fit took.

    Args:
        seconds: wall clock.
        matrix_bytes: of the contexts and the outcomes that were given.
        before_bytes: the process' peak with those in memory, before the fit.
        peak_bytes: the process' peak after it.
    """

    seconds: float
    matrix_bytes: int
    before_bytes: int
    peak_bytes: int

    @property
    def memory_ratio(self) -> float:
        """Peak, less what an empty process holds, over what was given."""
        empty = self.before_bytes - self.matrix_bytes
        return (self.peak_bytes - empty) / self.matrix_bytes


def fitted(rows: int, arms: int, dim: int) -> Fit:
    """Fit in a fresh process."""
    command = [sys.executable, str(Path(__file__).resolve()), str(rows), str(arms), str(dim)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=dict(os.environ))
    return Fit(**json.loads(done.stdout))


def _peak_bytes() -> int:
    # kibibytes on Linux, bytes on macOS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _fit(rows: int, arms: int, dim: int) -> Fit:
    import numpy as np

    from metallm.core.outcome import Recorded
    from metallm.learners.blend import BlendLearner

    rng = np.random.default_rng(0)
    contexts = rng.standard_normal((rows, dim), dtype=np.float32)
    contexts *= np.float32(dim**-0.5)
    quality = np.empty((rows, arms))
    for arm in range(arms):
        chance = 0.4 + 0.4 * arm / arms + 0.5 * contexts[:, arm % dim]
        quality[:, arm] = rng.random(rows, dtype=np.float32) < chance
    names = tuple(str(arm) for arm in range(arms))
    # a matrix of NaN that takes no memory of its own
    unknown = np.broadcast_to(np.nan, (rows, arms))
    recorded = Recorded(contexts, names, quality, unknown, np.ones(rows), unknown, unknown)
    learner = BlendLearner(dim)
    before = _peak_bytes()
    start = time.perf_counter()
    learner.fit(recorded, np.zeros(arms))
    seconds = time.perf_counter() - start
    return Fit(seconds, contexts.nbytes + quality.nbytes, before, _peak_bytes())


if __name__ == "__main__":
    found = _fit(*map(int, sys.argv[1:4]))
    print(json.dumps({key: getattr(found, key) for key in Fit.__slots__}))
