"""Appends to a log until it is killed; prints each decision's id once it is acknowledged.

Run as a script: python appender.py PATH.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from threading import Thread

import numpy as np

from metallm.core.decision import Decision
from metallm.core.outcome import Outcome
from metallm.store.sqlite import SqliteStore

THREADS = 4


def decision(decision_id: str, index: int) -> Decision:
    context = np.zeros(64, dtype=np.float32)
    return Decision(decision_id, index, "a", 1.0, {"a": 1.0}, {}, "greedy", 0, 0.0, 0.0, context, 1)


def append_for_ever(store: SqliteStore, name: str) -> None:
    for index in count():
        decision_id = f"{name}-{index}"
        outcome = Outcome(decision_id, "a", "completion", cost_usd=1e-5)
        store.append([decision(decision_id, index), outcome]).result()
        # one write call a line: the kill cuts between lines, or the last one short
        os.write(1, f"{decision_id}\n".encode())


def main() -> None:
    store = SqliteStore(sys.argv[1])
    threads = [Thread(target=append_for_ever, args=(store, f"t{i}")) for i in range(THREADS)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
