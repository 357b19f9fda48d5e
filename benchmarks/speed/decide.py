"""Microseconds of a decision and of learning from it, beside other bandits, on one thread.

    python benchmarks/speed/decide.py [--quick] [--json OUT]

All that is compared runs in one process, one after the other, on the same made-up contexts. Peers
that are installed take part: pip install mabwiser contextualbandits vowpalwabbit river
bayesianbandits paretobandit. --quick shows that it works, with few calls and no peers.
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
