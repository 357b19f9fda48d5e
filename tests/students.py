"""Made-up tasks for tests of students: labels that some words, or the context, tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metallm.learners.student import Student

DIM = 6


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row."""

    words: np.ndarray
    context: np.ndarray
    label: int


def made(
    count: int, labels: int, seed: int = 0, *, base: int = 0, shift: float = 0.0
) -> list[Labelled]:
    """Rows whose label is told by a word of its own three times in four, and by the context.

    Args:
        count: how many.
        labels: how many.
        seed: of all chance.
        base: first of some 600 ids that common words have.
        shift: of all contexts.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        label = int(rng.integers(labels))
        common = base + rng.zipf(1.5, size=12) % 300
        parts = 32_768 + base + rng.integers(0, 300, size=10)
        telling = [base + 400 + label] if rng.uniform() < 0.75 else []
        words = np.unique(np.concatenate([common, parts, telling])).astype(np.uint16)
        context = rng.normal(size=DIM, scale=0.4) + shift
        context[label % DIM] += 0.5
        rows.append(Labelled(words, context.astype(np.float32), label))
    return rows


def taught(rows: list[Labelled], labels: int, seed: int = 0) -> Student:
    """A student that learned rows."""
    student = Student(labels, DIM, seed=seed)
    for row in rows:
        student.learn(row.words, row.context, row.label)
    return student


def told(student: Student, rows: list[Labelled]) -> np.ndarray:
    """log P of both experts, shape (n, 2, L)."""
    return np.stack([student.log_chances(row.words, row.context)[0] for row in rows])
