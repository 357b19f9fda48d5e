"""Microseconds of a decision and of learning from it, beside other bandits, on one thread.

    python benchmarks/speed/decide.py [--quick] [--json OUT]

All that is compared runs in one process, one after the other, on the same made-up contexts. Peers
that are installed take part: pip install mabwiser contextualbandits vowpalwabbit river
bayesianbandits paretobandit. --quick shows that it works, with few calls and no peers.

    decide_us          K = 12, d = 33: a ridge per arm under SquareCB, the draw included, with the
    update_us          loops that this installation has (compiled, where it found a C compiler)
    ..._blend          the default learner from contexts of the default embedder's length
    ..._pure           the same in numpy alone, in a process of its own with METALLM_PURE=1
    vs_PEER            a peer's decision and update over ours, at the same K and d
    vs_paper           the paper's code path (an inverse per arm and query) over ours, both from the
                       same 256 numbers of an embedding: ours first reduces them to 32 directions,
                       in deciding and in learning, and that is part of its time
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

# before numpy is imported: its libraries read them once
for _name in ("OPENBLAS", "OMP", "MKL", "BLIS", "RAYON"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"

from deciding.measures import FULL, QUICK, measured  # noqa: E402 - after the threads are set


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few calls, no peers")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures")
    options = parser.parse_args()
    figures = measured(QUICK if options.quick else FULL)
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
