"""What an installation without a C compiler takes: the same calls in a process with METALLM_PURE=1.

    METALLM_PURE=1 python -m deciding.alone BLOCKS CALLS OUTCOMES

prints the figures as JSON.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path


def in_numpy_alone(blocks: int, calls: int, outcomes: int) -> dict[str, float]:
    """Decisions and updates of the ridge and of the default learner, in a fresh process.

    Args:
        blocks: blocks of calls, of which the median is told.
        calls: calls in a block.
        outcomes: learned before anything is timed.
    """
    command = [sys.executable, "-m", "deciding.alone", *map(str, (blocks, calls, outcomes))]
    environment = {**os.environ, "METALLM_PURE": "1"}
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=Path(__file__).parent.parent,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _measure(blocks: int, calls: int, outcomes: int) -> dict[str, float]:
    from deciding.growth import Scales
    from deciding.measures import Effort, ridge_and_blend
    from metallm import inner

    if inner.COMPILED:
        raise SystemExit("METALLM_PURE=1 is not set")
    # what it prints as it goes is for people; the figures alone are the answer
    with redirect_stdout(io.StringIO()):
        effort = Effort(blocks, calls, outcomes, 0, 0, Scales(), with_peers=False)
        figures, _ = ridge_and_blend(effort)
    return figures


if __name__ == "__main__":
    print(json.dumps(_measure(*map(int, sys.argv[1:4]))))
