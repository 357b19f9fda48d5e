"""What it is worth to choose whose labels are told: at random, by confidence, by the queue.

    python benchmarks/quality/labelling.py FILE... [--shuffles 3] [--share 0.05] [--batch 200]

Recorded classifications go one by one through the public `Router`, which starts knowing nothing;
answers and bills are the recorded ones. A share of the true labels is told, either at once: of rows
drawn at random, or of rows whose confidence is below a running quantile, so that the share is spent
evenly; or after every batch: of rows drawn at random among those without a label, or of those that
the queue of `metallm label` puts first. None and all are the ends. Figures are of the last half of
the stream, with 95 % t intervals over shuffles: accuracy, the same less the best single model's,
cost as a share of that model's, labels told. docs/decisions/0014-labelling.md quotes them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import metallm
from classifying.table import ClassTable, RecordedProvider, read_class_table
from metallm.evaluation.intervals import mean_interval
from metallm.router.labelling import LOOK_AT, likely_by, queue, unlabelled
from metallm.store.memory import MemoryStore

COST_WEIGHT = 0.1
MAX_CALLS = 2

Told = Callable[[metallm.Router, MemoryStore, Sequence[metallm.Classified]], Sequence[str]]
"""From all that was answered so far to the decisions whose labels are told now."""


def main() -> None:
    """Print a table for each file."""
    options = _options()
    for path in options.files:
        if not path.is_file():
            print(f"skipped: no such file: {path}", file=sys.stderr)
            continue
        table = read_class_table(path)
        names = options.way or list(_ways(options.share, options.batch, 0))
        runs: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
        for shuffle in range(options.shuffles):
            order = np.random.default_rng(shuffle).permutation(len(table.recordings.texts))
            for name in names:
                told = _ways(options.share, options.batch, shuffle)[name]
                runs[name].append(asyncio.run(_played(table, order.tolist(), shuffle, told)))
        print(f"{table.name}: last half, {options.shuffles} shuffles, {len(order)} rows")
        for name, found in runs.items():
            _shown(name, np.array(found))
        for name, other in (("confidence", "random"), ("queue", "random batches")):
            if name in runs and other in runs:
                ahead = np.array(runs[name])[:, 0] - np.array(runs[other])[:, 0]
                _shown(f"{name} less {other}", ahead[:, None])


def _ways(share: float, batch: int, seed: int) -> dict[str, Told]:
    rng = np.random.default_rng([seed, 1])
    return {
        "none": lambda _router, _store, _so_far: [],
        "random": _drawn(share, rng),
        "confidence": _unsure(share),
        "random batches": _batched(share, batch, rng),
        "queue": _batched(share, batch, None),
        "all": lambda _router, _store, so_far: _newest(so_far, True),  # noqa: FBT003
    }


def _newest(so_far: Sequence[metallm.Classified], tell: bool) -> Sequence[str]:
    return [so_far[-1].decision_id] if tell else []


def _unsure(share: float) -> Told:
    """Tell where the confidence is among the lowest so far, as long as the share is not spent."""
    known: list[float] = []
    spent = 0

    def told(
        _router: metallm.Router, _store: MemoryStore, so_far: Sequence[metallm.Classified]
    ) -> Sequence[str]:
        nonlocal spent
        sure = so_far[-1].confidence or 0.0
        low = bisect_left(known, sure) <= share * len(known)
        insort(known, sure)
        # confidence grows with what is learned, so that ever fewer are below the old quantile;
        # what is saved by that is spent as soon as a row is in the lower half
        behind = share * len(so_far) - spent
        half = bisect_left(known, sure) <= len(known) / 2
        tell = (behind >= 1.0 and half) or (behind >= -1.0 and low)
        spent += tell
        return _newest(so_far, tell)

    return told


def _drawn(share: float, rng: np.random.Generator) -> Told:
    """Tell one row of every few, drawn at random."""
    every = round(1.0 / share)
    turn = int(rng.integers(every))

    def told(
        _router: metallm.Router, _store: MemoryStore, so_far: Sequence[metallm.Classified]
    ) -> Sequence[str]:
        nonlocal turn
        place = (len(so_far) - 1) % every
        tell = place == turn
        if place == every - 1:
            turn = int(rng.integers(every))
        return _newest(so_far, tell)

    return told


def _batched(share: float, batch: int, rng: np.random.Generator | None) -> Told:
    """After every batch, tell the best of all that have no label, or any of them by `rng`."""

    def told(
        router: metallm.Router, store: MemoryStore, so_far: Sequence[metallm.Classified]
    ) -> Sequence[str]:
        if len(so_far) % batch:
            return []
        waiting = unlabelled(store.recent(LOOK_AT))
        count = round(share * batch)
        if rng is not None:
            return [waiting[place].first.id for place in rng.permutation(len(waiting))[:count]]
        best = queue(waiting, likely_by(router), count)
        return [each.waiting.first.id for each in best]

    return told


async def _played(
    table: ClassTable, order: Sequence[int], seed: int, told: Told
) -> tuple[float, ...]:
    """Accuracy, the same less the best single model's, its cost share, and labels told."""
    provider, store = RecordedProvider(table), MemoryStore()
    router = metallm.Router(
        table.arms, cost_weight=COST_WEIGHT, provider=provider, store=store, seed=seed
    )
    known, columns = table.recordings, {arm.name: k for k, arm in enumerate(table.arms)}
    answers: list[metallm.Classified] = []
    truth: dict[str, str] = {}
    right, spent, labels = np.zeros(len(order)), np.zeros(len(order)), 0
    for place, row in enumerate(order):
        provider.row, task = row, known.datasets[row]
        answer = await router.classify(
            known.texts[row], table.labels[task], task=task, max_calls=MAX_CALLS
        )
        answers.append(answer)
        truth[answer.decision_id] = str(known.references[row])
        right[place] = answer.label == truth[answer.decision_id]
        spent[place] = sum(table.cost_usd[row, columns[call.arm]] for call in answer.calls)
        for decision_id in told(router, store, answers):
            router.feedback(decision_id, label=truth[decision_id])
            labels += 1
    await router.aclose()
    late = np.array(order[len(order) // 2 :])
    best = table.quality[late, table.best].mean()
    bill = table.cost_usd[late, table.best].sum()
    accuracy = float(right[-len(late) :].mean())
    cost = float(spent[-len(late) :].sum() / bill)
    return accuracy, accuracy - float(best), cost, float(labels)


def _shown(name: str, found: np.ndarray) -> None:
    cells = [
        f"{each.mean:8.3f} ± {each.half_width:.3f}"
        for each in (mean_interval(column) for column in found.T)
    ]
    print(f"{name:24s} {'  '.join(cells)}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--shuffles", type=int, default=3)
    parser.add_argument("--way", action="append", choices=list(_ways(0.05, 200, 0)))
    parser.add_argument("--share", type=float, default=0.05, help="of the labels that are told")
    parser.add_argument("--batch", type=int, default=200, help="rows between the queue's turns")
    return parser.parse_args()


if __name__ == "__main__":
    main()
