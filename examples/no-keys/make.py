"""Writes outcomes.csv and reviews.csv beside this file: 120 reviews, and what three models said.

All of it is made up, by the templates and the simulated models of `metallm demo`. Run it again
after a change of those.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metallm.sandbox.synthetic import synthetic_recordings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
MODELS = ("sim/tiny", "sim/small", "sim/large")


def write(folder: Path) -> None:
    """Write both files.

    Args:
        folder: where.
    """
    told = [
        row
        for row in synthetic_recordings(per_task=120).to_pylist()
        if row["dataset"] == "synthetic/sentiment" and row["model"] in MODELS
    ]
    reviews = {row["question"]: row["reference"] for row in told}
    _write(folder / "outcomes.csv", [_outcome(row) for row in told])
    _write(folder / "reviews.csv", [{"review": a, "label": b} for a, b in reviews.items()])


def _outcome(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("model", "reference", "response", "score", "input_tokens", "output_tokens")
    return {
        "dataset": "reviews",
        "query": row["question"],
        **{name: row[name] for name in kept},
        "cost_usd": f"{row['cost_usd']:.3g}",
    }


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write(HERE)
