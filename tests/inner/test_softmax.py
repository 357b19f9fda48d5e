"""Visits of rows in either expert: compiled and numpy alike, and the best that can be."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops import BOTH, compiled, needs_compiled
from metallm.inner import pure

SEEDS = st.integers(0, 2**32 - 1)
LABELS = st.integers(1, 9)
WEIGHTS = st.sampled_from([0.0, 1e-6, 0.3, 16.0, 1e4, -2.0])
ENTRIES = 50


def _words(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(0, 20))
    return np.unique(rng.integers(0, ENTRIES, size=count)).astype(np.uint16)


def _visited(loops: ModuleType, seed: int, labels: int, weighs: float) -> list[np.ndarray]:
    rng, norm = np.random.default_rng(seed), 1.5
    df = rng.integers(0, 9, size=ENTRIES).astype(float)
    V, W = rng.normal(size=(ENTRIES + 1, labels)), rng.normal(size=(labels, 5))
    alphas, scores = np.zeros((2, labels)), np.zeros((2, labels))
    for _ in range(3):
        ids, x = _words(rng), rng.normal(size=4).astype(np.float32)
        label = int(rng.integers(labels))
        norm = loops.sparse_step(ids, df, 9.0, V, alphas[0], norm, label, weighs, 0.5)
        loops.dense_step(x, W, alphas[1], label, weighs, 0.5)
        loops.sparse_scores(ids, df, 9.0, V, scores[0], 0.5)
        loops.dense_scores(x, W, scores[1], 0.5)
    return [V, W, alphas, scores, np.array(norm)]


@needs_compiled
@given(SEEDS, LABELS, WEIGHTS)
def test_rows_are_visited_and_scored_alike(seed: int, labels: int, weighs: float) -> None:
    fast = compiled()
    assert fast is not None
    mine, twin = _visited(fast, seed, labels, weighs), _visited(pure, seed, labels, weighs)
    for one, other in zip(mine, twin, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * max(1.0, abs(weighs)))


@pytest.mark.parametrize("loops", BOTH)
@given(seed=SEEDS, labels=st.integers(2, 9), weighs=st.floats(0.01, 100.0))
def test_a_visit_solves_for_the_row_beside_all_others(
    loops: ModuleType, seed: int, labels: int, weighs: float
) -> None:
    """At the best alpha = C (e_y − P(x)), with P from the weights that hold alpha."""
    rng, norm = np.random.default_rng(seed), 1.5
    df = rng.integers(0, 9, size=ENTRIES).astype(float)
    V, W = rng.normal(size=(ENTRIES + 1, labels)), rng.normal(size=(labels, 5))
    ids, x = _words(rng), rng.normal(size=4)
    alphas, scores = np.zeros((2, labels)), np.zeros((2, labels))
    loops.sparse_step(ids, df, 9.0, V, alphas[0], norm, 1, weighs, 0.5)
    loops.dense_step(x, W, alphas[1], 1, weighs, 0.5)
    loops.sparse_scores(ids, df, 9.0, V, scores[0], 0.5)
    loops.dense_scores(x, W, scores[1], 0.5)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        alphas, weighs * (np.eye(labels)[1] - chances), atol=1e-9 * max(weighs, 1.0)
    )


@pytest.mark.parametrize("loops", BOTH)
@given(seed=SEEDS, labels=st.integers(2, 5))
def test_a_row_that_weighs_nothing_is_taken_out(loops: ModuleType, seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    df = rng.integers(0, 9, size=ENTRIES).astype(float)
    V, W = rng.normal(size=(ENTRIES + 1, labels)), rng.normal(size=(labels, 5))
    before = V.copy(), W.copy()
    ids, x, alphas = _words(rng), rng.normal(size=4), np.zeros((2, labels))
    norm = loops.sparse_step(ids, df, 9.0, V, alphas[0], 1.0, 0, 3.0, 0.5)
    loops.dense_step(x, W, alphas[1], 0, 3.0, 0.5)
    loops.sparse_step(ids, df + 1.0, 12.0, V, alphas[0], norm, 0, 0.0, 0.5)
    loops.dense_step(x, W, alphas[1], 0, 0.0, 0.5)
    assert not alphas.any()
    np.testing.assert_allclose(V, before[0], atol=1e-12)
    np.testing.assert_allclose(W, before[1], atol=1e-12)


@pytest.mark.parametrize("loops", BOTH)
def test_scores_of_words_are_those_of_their_idf_scaled_to_length_1(loops: ModuleType) -> None:
    df, rows, V = np.array([1.0, 3.0, 0.0]), 5.0, np.arange(8.0).reshape(4, 2)
    out = np.empty(2)
    norm = loops.sparse_scores(np.array([0, 1, 2], np.uint16), df, rows, V, out, 0.5)
    idf = 1.0 + np.log(6.0 / (1.0 + df[:2]))  # what no row had counts nothing
    assert norm == pytest.approx(np.sqrt((idf**2).sum()))
    np.testing.assert_allclose(out, idf**2 @ V[:2] / norm + 0.5 * V[3])
    assert loops.sparse_scores(np.array([2], np.uint16), df, rows, V, out, 0.5) == 0.0
    np.testing.assert_allclose(out, 0.5 * V[3])


@pytest.mark.parametrize("loops", BOTH)
def test_ids_that_have_no_entry_are_refused(loops: ModuleType) -> None:
    V, out, ids = np.zeros((4, 2)), np.zeros(2), np.array([0, 3], np.uint16)
    with pytest.raises(IndexError):
        loops.sparse_scores(ids, np.ones(3), 1.0, V, out, 0.5)
    with pytest.raises(IndexError):
        loops.sparse_step(ids, np.ones(3), 1.0, V, out, 1.0, 0, 1.0, 0.5)
