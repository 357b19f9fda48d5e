"""What `metallm.Classifier` comes to beside a fit on the same labels, and beside one LLM.

    python benchmarks/quality/estimator.py FILE [--rows 200] [--test 400] [--shuffles 10]

A recorded classification of one task: some rows to fit on, others to predict, answers and bills as
recorded. Accuracy, the cost of the predictions as a share of asking the best single model about
all of them, and that of the fit, with 95 % t intervals over shuffles.
docs/decisions/0015-scikit-learn.md quotes them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import metallm
from classifying.table import ClassTable, RecordedProvider, read_class_table
from metallm.evaluation.intervals import mean_interval

if TYPE_CHECKING:
    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Completion

BEFORE, AFTER = "Text:\n", "\n\nAnswer with one label"
"""What stands around a text in a prompt."""

WAYS: dict[str, dict[str, Any]] = {
    "asks nobody in the fit": {},
    "ask=20": {"ask": 20},
    "ask=20, cost_weight=.02": {"ask": 20, "cost_weight": 0.02},
    "ask=20, max_calls=2": {"ask": 20, "max_calls": 2},
    "ask=20, max_calls=2, cost_weight=.02": {"ask": 20, "max_calls": 2, "cost_weight": 0.02},
}


class Recorded(RecordedProvider):
    """Finds the row by the text that is asked about; counts USD."""

    def __init__(self, table: ClassTable) -> None:
        super().__init__(table)
        self.cost_usd = 0.0
        self._of = table
        self._rows = {text: row for row, text in enumerate(table.recordings.texts)}

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """The recorded answer."""
        told = str(request.body["messages"][-1]["content"])
        self.row = self._rows[told.split(BEFORE, 1)[1].rsplit(AFTER, 1)[0]]
        self.cost_usd += self._of.cost_usd[self.row, self._of.recordings.models.index(arm.name)]
        return await super().complete(arm, request)


def main() -> None:
    """Print a line for each way."""
    options = _options()
    table = read_class_table(options.file)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(options.shuffles):
        order = np.random.default_rng(seed).permutation(len(table.recordings))
        fit, test = order[: options.rows], order[options.rows : options.rows + options.test]
        alone = table.quality[test, table.best].mean()
        found.setdefault("the best single model", []).append((float(alone), 1.0, 0.0))
        found.setdefault("TF-IDF and logistic regression", []).append(_plain(table, fit, test))
        for name, way in WAYS.items():
            found.setdefault(name, []).append(_ours(table, fit, test, way))
    for name, runs in found.items():
        cells = [mean_interval(column) for column in np.array(runs).T]
        told = "  ".join(f"{each.mean:.3f} ± {each.half_width:.3f}" for each in cells)
        print(f"{name:40s} {told}")


def _plain(table: ClassTable, fit: np.ndarray, test: np.ndarray) -> tuple[float, float, float]:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=10.0)).fit(*_xy(table, fit))
    return float(model.score(*_xy(table, test))), 0.0, 0.0


def _ours(
    table: ClassTable, fit: np.ndarray, test: np.ndarray, way: dict[str, Any]
) -> tuple[float, float, float]:
    provider, (task,) = Recorded(table), set(table.recordings.datasets)
    given = {"cost_weight": 0.1, **way}
    with metallm.Classifier(table.arms, task=task, provider=provider, **given) as classifier:
        classifier.fit(*_xy(table, fit))
        begun = provider.cost_usd
        accuracy = float(classifier.score(*_xy(table, test)))
    bill = float(table.cost_usd[test, table.best].sum())
    return accuracy, (provider.cost_usd - begun) / bill, begun / bill


def _xy(table: ClassTable, rows: np.ndarray) -> tuple[list[str], list[str]]:
    known = table.recordings.subset(rows)
    return list(known.texts), [str(each) for each in known.references]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=200, help="to fit on")
    parser.add_argument("--test", type=int, default=400, help="to predict")
    parser.add_argument("--shuffles", type=int, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    main()
