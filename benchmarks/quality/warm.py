"""What the labels of a recorded table are worth when a router starts from it.

    python benchmarks/quality/warm.py FILE... [--rows 200] [--stream 400] [--shuffles 5]

A router learns some recorded rows: as outcomes alone, or by `Router.fit`, which teaches students
and what arms answer too. Then it classifies other rows of the file, one by one, and is told each
true label. Figures are of the first hundred and of all of these, with 95 % t intervals over
shuffles: accuracy less the best single model's, cost as a share of that model's, and the share that
the student answered. docs/decisions/0013-evidence.md quotes them.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import numpy as np

import metallm
from classifying.table import ClassTable, RecordedProvider, read_class_table
from metallm.core.classes import STUDENT
from metallm.evaluation.intervals import mean_interval

COST_WEIGHT = 0.1
FIRST = 100


def main() -> None:
    """Print two lines for each file and number of calls."""
    options = _options()
    for path in options.files:
        table = read_class_table(path)
        for calls in (1, 2):
            for labels in (False, True):
                found = np.array(
                    [
                        _run(table, options.rows, options.stream, seed, calls, labels=labels)
                        for seed in range(options.shuffles)
                    ]
                )
                cells = [mean_interval(column) for column in found.T]
                told = "  ".join(f"{each.mean:7.3f} ± {each.half_width:.3f}" for each in cells)
                print(f"{table.name:12s} calls {calls} labels {labels!s:5s} {told}", flush=True)


def _run(
    table: ClassTable, rows: int, stream: int, seed: int, calls: int, *, labels: bool
) -> list[float]:
    order = np.random.default_rng(seed).permutation(len(table.recordings))
    provider = RecordedProvider(table)
    router = metallm.Router(table.arms, cost_weight=COST_WEIGHT, provider=provider, seed=seed)
    known = table.recordings.subset(order[:rows])
    if labels:
        router.fit(known)
    else:
        router.learn(
            known.texts,
            arms=known.models,
            quality=known.score,
            cost_usd=known.cost_usd,
            output_tokens=known.output_tokens,
            tasks=known.datasets,
            labels=known.labels(),
        )
    live = order[rows : rows + stream]
    found = asyncio.run(_played(table, live, router, provider, calls))
    best, bill = table.quality[live, table.best], table.cost_usd[live, table.best]
    figures = []
    for upto in (FIRST, len(live)):
        right, spent, own = found[:upto].T
        ahead = right.mean() - best[:upto].mean()
        figures += [float(ahead), float(spent.sum() / bill[:upto].sum()), float(own.mean())]
    return figures


async def _played(
    table: ClassTable,
    live: np.ndarray,
    router: metallm.Router,
    provider: RecordedProvider,
    calls: int,
) -> np.ndarray:
    """Of each row: right, USD, answered by the student; shape (n, 3)."""
    recordings, columns = table.recordings, {arm.name: k for k, arm in enumerate(table.arms)}
    found = []
    for row in live.tolist():
        provider.row, task = row, recordings.datasets[row]
        answer = await router.classify(
            recordings.texts[row], table.labels[task], task=task, max_calls=calls
        )
        truth = str(recordings.references[row])
        spent = sum(table.cost_usd[row, columns[call.arm]] for call in answer.calls)
        found.append((answer.label == truth, spent, answer.arm == STUDENT))
        router.feedback(answer.decision_id, label=truth)
    await router.aclose()
    return np.array(found, dtype=np.float64)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=200, help="to start from")
    parser.add_argument("--stream", type=int, default=400, help="classified after them")
    parser.add_argument("--shuffles", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
