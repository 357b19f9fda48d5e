"""How near a student comes to a fit on all rows, and what its settings are worth.

    python benchmarks/quality/student.py FILE... [--shuffles 2] [--part NAME ...]

FILE: recorded outcomes with texts and true labels; each data set in it is a task. Five folds per
shuffle: a student learns four of them in one pass, in random order, and is asked about the fifth;
scikit-learn's LogisticRegression is fitted on the same rows. Figures are accuracy / log loss of the
words' expert, the context's, and both (the normalised product of their chances).
docs/decisions/0011-student.md quotes them.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from metallm.assembly.embedders import default_embedder
from metallm.embeddings.grams import grams
from metallm.learners.experts import ContextExpert, Row, WordsExpert
from metallm.learners.rehearsal import Rehearsal
from metallm.learners.student import VISITS, Student
from metallm.tables.recordings import Recordings

FOLDS = 5
CURVE = (30, 60, 120, 250, 500, 900)
GRID = [(words, context) for words in (4.0, 8.0, 16.0, 32.0) for context in (1.0, 2.0, 4.0)]

Scores = np.ndarray
"""log P up to a constant of n rows by words and by context, shape (n, 2, L)."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One data set: texts, what a student reads of them, and labels as places."""

    name: str
    texts: list[str]
    words: list[np.ndarray]
    contexts: np.ndarray
    labels: np.ndarray

    @property
    def count(self) -> int:
        """How many labels."""
        return int(self.labels.max()) + 1


Learn = Callable[[Task, np.ndarray, np.ndarray], Scores]
"""From a task, rows to learn in this order, and rows to ask about."""


def main() -> None:
    """Print the tables that were asked for."""
    options = _options()
    tasks = [task for path in options.files for task in _tasks(path)]
    for part in options.part or PARTS:
        print(f"\n## {part}", flush=True)
        PARTS[part](tasks, options.shuffles)


def _tasks(path: Path) -> Iterator[Task]:
    if not path.is_file():
        print(f"skipped: no such file: {path}", file=sys.stderr)
        return
    known, embedder = Recordings.read(path), default_embedder()
    for name in sorted(set(known.datasets)):
        rows = [
            row
            for row, own in enumerate(known.datasets)
            if own == name and known.references[row] is not None
        ]
        texts = [known.texts[row] for row in rows]
        told = np.array([str(known.references[row]) for row in rows])
        labels = np.unique(told, return_inverse=True)[1]
        yield Task(name, texts, [grams(text) for text in texts], embedder.embed(texts), labels)


def student(
    visits: int = VISITS, most_rows: int = 4096, c: tuple[float, float] | None = None
) -> Learn:
    """A student's experts with other settings than its own."""

    def learn(task: Task, train: np.ndarray, test: np.ndarray) -> Scores:
        words = WordsExpert(task.count)
        context = ContextExpert(task.count, task.contexts.shape[1])
        rehearsal = Rehearsal(task.count, 0, most_rows=most_rows)
        for place in train:
            label = int(task.labels[place])
            row = Row(
                task.words[place], task.contexts[place], label, 1.0, np.zeros((2, task.count))
            )
            words.count(row.ids, 1)
            for each in (row, *rehearsal.again(visits)):
                words.visit(each, *(c[:1] if c else ()))
                context.visit(each, *(c[1:] if c else ()))
            rehearsal.add(row)
        return np.array(
            [[words.scores(task.words[at]), context.scores(task.contexts[at])] for at in test]
        )

    return learn


def adagrad(step: float, visits: int = VISITS, l2: float = 1e-3) -> Learn:
    """What a student could be instead: a gradient step per visit (Duchi et al. 2011)."""

    def learn(task: Task, train: np.ndarray, test: np.ndarray) -> Scores:
        df, shape = np.zeros(65_536), (65_536, task.count)
        weights, squares = np.zeros(shape), np.full(shape, 1e-8)
        dense, own = np.zeros((task.contexts.shape[1], task.count)), 1e-8
        dense_squares = np.full(dense.shape, own)
        rng = np.random.default_rng(0)

        def row(place: int, seen: int) -> np.ndarray:
            idf = (1.0 + np.log((1.0 + seen) / (1.0 + df[task.words[place]]))) * (
                df[task.words[place]] > 0
            )
            scaled: np.ndarray = idf / max(float(np.linalg.norm(idf)), 1e-9)
            return scaled

        for seen, new in enumerate(train):
            df[task.words[new]] += 1
            for place in (new, *train[rng.integers(0, seen + 1, size=visits)]):
                ids, x, z = task.words[place], row(place, seen + 1), task.contexts[place]
                for at, entries, w, s in ((ids, x, weights, squares),
                                          (slice(None), z, dense, dense_squares)):  # fmt: skip
                    scores = entries @ w[at]
                    chances = np.exp(scores - scores.max())
                    chances /= chances.sum()
                    chances[task.labels[place]] -= 1.0
                    slope = entries[:, None] * chances + l2 * w[at]
                    s[at] += slope * slope
                    w[at] -= step * slope / np.sqrt(s[at])
        return np.array(
            [
                [row(at, len(train)) @ weights[task.words[at]], task.contexts[at] @ dense]
                for at in test
            ]
        )

    return learn


def fitted(task: Task, train: np.ndarray, test: np.ndarray) -> Scores:
    """scikit-learn on all rows at once: TF-IDF of words and parts (C = 8), context (C = 4)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_union

    texts = np.array(task.texts, dtype=object)
    read = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
    )
    said = np.full((len(test), 2, task.count), -20.0)
    parts = (
        (read.fit_transform(texts[train]), read.transform(texts[test]), 8.0),
        (task.contexts[train], task.contexts[test], 4.0),
    )
    for expert, (known, asked, weight) in enumerate(parts):
        model = LogisticRegression(C=weight, max_iter=300).fit(known, task.labels[train])
        said[:, expert, model.classes_] = model.predict_log_proba(asked)
    return said


def _measured(scores: Scores, labels: np.ndarray) -> np.ndarray:
    """Accuracy and log loss of words, context and both, shape (3, 2)."""
    each = _normalised(scores)
    both = _normalised(each.sum(axis=1, keepdims=True))
    every = np.concatenate([each, both], axis=1)
    right = every.argmax(axis=2) == labels[:, None]
    told = every[np.arange(len(labels)), :, labels]
    return np.stack([right.mean(axis=0), -told.mean(axis=0)], axis=1)


def _normalised(scores: Scores) -> Scores:
    raised = scores - scores.max(axis=2, keepdims=True)
    left: Scores = raised - np.log(np.exp(raised).sum(axis=2, keepdims=True))
    return left


def _folded(task: Task, learn: Learn, shuffles: int, most: int | None = None) -> np.ndarray:
    found = []
    for shuffle in range(shuffles):
        order = np.random.default_rng(shuffle).permutation(len(task.texts))
        for fold in range(FOLDS):
            test = order[fold::FOLDS]
            train = np.setdiff1d(order, test, assume_unique=True)
            train = np.random.default_rng([shuffle, fold]).permutation(train)[:most]
            found.append(_measured(learn(task, train, test), task.labels[test]))
    mean: np.ndarray = np.mean(found, axis=0)
    return mean


def _shown(name: str, found: np.ndarray) -> None:
    cells = "  ".join(f"{right:.3f} / {loss:.3f}" for right, loss in found)
    print(f"{name:34s} {cells}", flush=True)


def _methods() -> dict[str, Learn]:
    if find_spec("sklearn") is None:
        print("skipped: scikit-learn is not installed, nothing to compare with", file=sys.stderr)
        return {"student": student()}
    return {"scikit-learn": fitted, "student": student()}


def compared(tasks: list[Task], shuffles: int) -> None:
    """The student beside a fit on all rows."""
    for task in tasks:
        print(f"{task.name}: {len(task.texts)} texts, {task.count} labels")
        for name, learn in _methods().items():
            _shown(f"  {name}", _folded(task, learn, shuffles))


def settings(tasks: list[Task], shuffles: int) -> None:
    """Visits, memory and step sizes; and each choice of C, by its log loss on other tasks."""
    others: dict[str, Learn] = {f"{many} visits": student(many) for many in (0, 2, 8, 16, 32)}
    others |= {f"{rows} rows kept": student(most_rows=rows) for rows in (50, 200)}
    others |= {f"AdaGrad, step {step:g}": adagrad(step) for step in (0.03, 0.1, 0.3)}
    others |= {f"C = {c[0]:g}, {c[1]:g}": student(c=c) for c in GRID}
    for name, learn in others.items():
        means = [_folded(task, learn, min(shuffles, 1)) for task in tasks]
        _shown(f"{name}: {tasks[0].name}…{tasks[-1].name}", np.mean(means, axis=0))
        for task, mean in zip(tasks, means, strict=True):
            if name.startswith(("C =", "AdaGrad", "16")):
                _shown(f"  {task.name}", mean)


def curve(tasks: list[Task], shuffles: int) -> None:
    """By how many labels were learned."""
    for task in tasks:
        for most in CURVE:
            if most <= len(task.texts) * (FOLDS - 1) // FOLDS:
                for name, learn in _methods().items():
                    found = _folded(task, learn, shuffles, most)
                    _shown(f"{task.name}, {most} labels, {name}", found)


def novelty(tasks: list[Task], shuffles: int) -> None:
    """Texts of a student's own task and of others: how many are told to be new."""
    del shuffles
    for most in (60, 150, 330):
        for task in tasks:
            order = np.random.default_rng(1).permutation(len(task.texts))
            if most >= len(order):
                continue
            one = _taught(task, order[:most])
            own = _novelties(one, task, order[most:])
            ordinary = float((own < 0.3).mean())
            found = []
            for other in (each for each in tasks if each is not task):
                new = _novelties(one, other, range(0, len(other.texts), 3)) > 0.7
                found.append(f"{other.name} {new.mean():.2f}")
            told = f"own below .3 {ordinary:.2f}; above .7: {', '.join(found)}"
            print(f"{most} of {task.name}: {told}", flush=True)


def _taught(task: Task, rows: np.ndarray) -> Student:
    one = Student(task.count, task.contexts.shape[1])
    for place in rows:
        one.learn(task.words[place], task.contexts[place], int(task.labels[place]))
    return one


def _novelties(one: Student, task: Task, rows: np.ndarray | range) -> np.ndarray:
    return np.array([one.log_chances(task.words[at], task.contexts[at])[1] for at in rows])


def speed(tasks: list[Task], shuffles: int) -> None:
    """Microseconds of process time, median of 9 blocks."""
    del shuffles
    for task in tasks:
        one = _taught(task, np.arange(300))
        place = int(np.argmin([abs(len(text) - 200) for text in task.texts]))
        text, words, context = task.texts[place], task.words[place], task.contexts[place]
        calls: dict[str, tuple[Callable[[], object], int]] = {
            "grams": (partial(grams, text), 300),
            "log_chances": (partial(one.log_chances, words, context), 300),
            "learn": (partial(one.learn, words, context, 0), 30),
        }
        took = {name: _timed(call, times) for name, (call, times) in calls.items()}
        told = ", ".join(f"{name} {micros:.0f}" for name, micros in took.items())
        print(f"{task.name}, {task.count} labels, {len(text)} signs, {len(words)} ids: {told}")


def _timed(call: Callable[[], object], times: int) -> float:
    blocks = []
    for _ in range(9):
        start = time.process_time()
        for _ in range(times):
            call()
        blocks.append((time.process_time() - start) / times * 1e6)
    return float(np.median(blocks))


PARTS = {"compared": compared, "settings": settings, "curve": curve, "novelty": novelty,
         "speed": speed}  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--shuffles", type=int, default=2)
    parser.add_argument("--part", action="append", choices=PARTS)
    return parser.parse_args()


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    main()
