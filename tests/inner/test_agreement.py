"""The compiled loops and their twins in numpy do the same."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loops import compiled, needs_compiled
from metallm.inner import pure
from metallm.inner.pure.texts import COUNTED
from odd_texts import ascii_texts, texts
from plain_contexts import counted, members

pytestmark = needs_compiled

SIZES = st.integers(1, 40)
ARMS = st.integers(0, 9)
SEEDS = st.integers(0, 2**32 - 1)


def _both(what: Callable[[ModuleType], Any]) -> tuple[Any, Any]:
    fast = compiled()
    assert fast is not None
    return what(fast), what(pure)


def _close(mine: np.ndarray, twin: np.ndarray) -> None:
    np.testing.assert_allclose(mine, twin, rtol=1e-12, atol=1e-12)


def _ridge(seed: int, arms: int, d: int) -> tuple[np.ndarray, ...]:
    """Stacks as they are after some outcomes: P is symmetric and positive definite."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(arms, 12, d + 2))
    rows[:, :, d + 1] = 1.0
    sums = np.einsum("kmi,kmj->kij", rows, rows)
    l2, prior = rng.uniform(0.5, 3.0, size=d), rng.normal(size=d)
    solved = np.empty((arms, d + 1, d))
    for arm in range(arms):
        inverse = np.linalg.inv(sums[arm, :d, :d] + np.diag(l2))
        solved[arm, :d] = (inverse + inverse.T) / 2.0
        solved[arm, d] = solved[arm, :d] @ (sums[arm, d, :d] + l2 * prior)
    return solved, sums, l2, prior


@given(SEEDS, ARMS, SIZES)
def test_a_ridge_estimates_and_learns_alike(seed: int, arms: int, d: int) -> None:
    def lived(loops: ModuleType) -> list[np.ndarray]:
        solved, sums, l2, prior = _ridge(seed, arms, d)
        kept = np.zeros((2, arms))
        ridge = loops.RidgeLoops(solved, sums, l2, prior, kept[0], kept[1], 0.25, 10.0)
        rng, found = np.random.default_rng(seed + 1), []
        for step in range(4):
            z = rng.normal(size=d)
            out = np.full((2, 1, arms), np.nan)
            ridge.moments(z[None], out, step % 2)
            found.append(out)
            if arms:
                ridge.update(int(rng.integers(arms)), z, float(rng.uniform()), 1.0 + step / 3)
        ridge.refresh()
        return [*found, solved, sums, kept]

    for mine, twin in zip(*_both(lived), strict=True):
        _close(mine, twin)


@given(SEEDS, st.integers(0, 4), ARMS, st.floats(0.1, 1e4), st.floats(0.0, 3.0))
def test_gaps_are_weighed_alike(
    seed: int, rows: int, arms: int, gamma: float, optimism: float
) -> None:
    def weighed(loops: ModuleType) -> np.ndarray:
        rng, out = np.random.default_rng(seed), np.full((rows, arms), np.nan)
        reward, spread = rng.normal(size=(rows, arms)), rng.uniform(size=(rows, arms))
        loops.gap_weights(reward, spread, out, gamma, optimism)
        return out

    _close(*_both(weighed))


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**64 - 1))
def test_seed_and_index_give_the_same_number(seed: int, index: int) -> None:
    mine, twin = _both(lambda loops: loops.uniform(seed, index))
    assert mine == twin


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda p: sum(p) > 0.0),
    st.floats(0, 1, exclude_max=True),
)
def test_the_same_arm_is_drawn(weights: list[float], u: float) -> None:
    mine, twin = _both(lambda loops: loops.draw(np.array(weights), u))
    assert mine == twin


@given(SEEDS, SIZES, st.integers(0, 20), st.sampled_from([np.float32, np.float64]))
def test_contexts_are_projected_alike(seed: int, from_: int, to: int, kind: type) -> None:
    def projected(loops: ModuleType) -> np.ndarray:
        rng, out = np.random.default_rng(seed), np.full((1, to + 1), np.nan)
        context: np.ndarray = rng.normal(size=(1, from_)).astype(kind)
        loops.project(context, rng.normal(size=from_), rng.normal(size=(from_, to)), out)
        return out

    _close(*_both(projected))


@given(SEEDS, SIZES, st.integers(1, 5), st.integers(1, 30), ARMS)
def test_cells_are_found_filled_and_read_alike(
    seed: int, d: int, cuts: int, cells: int, arms: int
) -> None:
    def lived(loops: ModuleType) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        centres, point = rng.normal(size=(cuts * cells, d)), rng.normal(size=(1, d))
        squares = (centres * centres).sum(axis=1)
        found = np.empty((1, cuts), dtype=np.intp)
        loops.locate(point, np.ascontiguousarray(-2.0 * centres.T), squares, found)
        n, sy = rng.uniform(size=(2, arms, cuts * cells))
        if arms:
            loops.count(n, sy, found[0], arms - 1, 0.3, -1.0)
        table, means = np.empty((cuts * cells, arms)), rng.normal(size=(1, arms))
        loops.shrunk(n, sy, rng.uniform(size=arms), table, 10.0)
        doubled = np.ascontiguousarray(-2.0 * centres.T)
        loops.looked_up(point, doubled, squares, table, means, cuts)
        return [found, n, sy, table, means]

    for mine, twin in zip(*_both(lived), strict=True):
        _close(mine, twin)


@given(SEEDS, SIZES, st.integers(1, 40), st.integers(1, 5))
def test_a_kernel_estimates_and_learns_alike(seed: int, m: int, d: int, arms: int) -> None:
    def lived(loops: ModuleType) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        points, root = rng.normal(size=(m, d)) * d**-0.5, rng.normal(size=(m, m)) * m**-0.5
        squares = (points * points).sum(axis=1)
        P = np.tile(np.eye(m + 1) * 0.5, (arms, 1, 1))
        theta, folded = rng.normal(size=(arms, m + 1)), rng.normal(size=(arms, m))
        outs = []
        for arm in range(arms):
            x, out = rng.normal(size=(1, d)) * 0.5, np.full((1, arms), np.nan if arm else 0.3)
            loops.kernel_predict(x, points, squares, folded, theta, out, 2.0, 0 if arm else 2)
            loops.kernel_update(x[0], points, squares, root, P, theta, folded, arm, 0.8, 1.0, 2.0)
            outs.append(out)
        return [*outs, np.tril(P), theta, folded]

    for mine, twin in zip(*_both(lived), strict=True):
        _close(mine, twin)


@given(SEEDS, SIZES, st.integers(0, 20), ARMS, st.sampled_from([np.float32, np.float64]))
def test_costs_are_expected_alike(
    seed: int, dim: int, features: int, arms: int, kind: type
) -> None:
    def expected(loops: ModuleType) -> np.ndarray:
        rng, out = np.random.default_rng(seed), np.full((1, arms), np.nan)
        context: np.ndarray = rng.normal(size=(1, dim)).astype(kind)
        theta = rng.normal(size=(2 + min(features, dim), arms))
        listed = rng.uniform(size=(1, arms)) / 1e3
        loops.expected_costs(context, theta, rng.normal(size=arms), listed, out, 1.5)
        return out

    mine, twin = _both(expected)
    np.testing.assert_allclose(mine, twin, rtol=1e-12)


@given(SEEDS, st.integers(0, 60), st.integers(2, 40))
def test_tokens_are_summed_to_the_same_bits(seed: int, count: int, dim: int) -> None:
    def summed(loops: ModuleType) -> bytes:
        rng, out = np.random.default_rng(seed), np.full(dim, np.nan, dtype=np.float32)
        table: np.ndarray = rng.normal(size=(50, dim)).astype(np.float32)
        loops.token_sum(table, rng.integers(50, size=count), out)
        return out.tobytes()

    mine, twin = _both(summed)
    assert mine == twin


@given(
    st.lists(st.integers(0, 2**63 - 1), max_size=60),
    st.integers(0, 10).map(lambda power: 2**power),
)
def test_tokens_are_hashed_to_the_same_bits(tokens: list[int], entries: int) -> None:
    def hashed(loops: ModuleType) -> bytes:
        sums, out = np.full(entries, np.nan), np.full(entries, np.nan, dtype=np.float32)
        damped = np.log1p(np.arange(2 * len(tokens) + 1.0))
        ids = np.array(tokens, dtype=np.int64)
        loops.gram_sums(ids, damped, sums, 1_000_003, 0x9E3779B97F4A7C15)
        loops.scaled(sums, out, 0.3)
        return sums.tobytes() + out.tobytes()

    mine, twin = _both(hashed)
    assert mine == twin


GROUPS = ("what which", "not can't don't no", "", "python list def return what", "the a")


@given(ascii_texts)
@settings(max_examples=500)
def test_texts_are_counted_alike(text: str) -> None:
    mine, twin = _both(lambda loops: loops.Lexicon(GROUPS).count(text))
    assert mine == twin


@given(ascii_texts, st.integers(0, 10**6), st.floats(0.1, 2.0))
@settings(max_examples=500)
def test_texts_are_described_to_the_same_bits(text: str, more: int, scale: float) -> None:
    def described(loops: ModuleType) -> bytes:
        out = np.full(22 + len(GROUPS), np.nan, dtype=np.float32)
        loops.Lexicon(GROUPS).describe(text, len(text) + more, out, scale)
        return out.tobytes()

    mine, twin = _both(described)
    assert mine == twin


@given(texts)
@settings(max_examples=300)
def test_what_is_counted_is_what_the_plain_way_counts(text: str) -> None:
    found = pure.Lexicon(GROUPS).count(text)
    assert len(found) == len(COUNTED) + len(GROUPS)
    assert [*found] == [*counted(text), *members(text, GROUPS)]


@given(ascii_texts, st.integers(1, 70), st.integers(1, 130))
@settings(max_examples=500)
def test_first_and_last_words_are_hashed_to_the_same_bits(text: str, dim: int, reach: int) -> None:
    def hashed(loops: ModuleType) -> bytes:
        out = np.zeros(dim, dtype=np.float32)
        loops.hashed_ends(text, out, reach, 0.5)
        return out.tobytes()

    mine, twin = _both(hashed)
    assert mine == twin


def test_long_texts_are_counted_alike() -> None:
    many = " ".join(
        f"{one}{two}{three}" for one in "abcdefghij" for two in "klmnop" for three in "qrstuvwxyz"
    )
    for text in ("a b " * 1000, "a'b" * 1300, "x" * 4096, many, many[:2000], "$" * 300, "(" * 300):
        mine, twin = _both(lambda loops: loops.Lexicon(GROUPS).count)
        assert mine(text) == twin(text)


def test_the_exponential_is_right_from_0_to_where_it_vanishes() -> None:
    fast = compiled()
    assert fast is not None
    apart = np.concatenate([np.linspace(0.0, 40.0, 4001), np.linspace(40.0, 1e4, 500)])
    for distance in apart:
        out = np.empty((1, 1))
        point, folded, theta = np.array([[distance]]), np.ones((1, 1)), np.zeros((1, 2))
        square = (point * point)[:, 0]
        fast.kernel_predict(np.zeros((1, 1)), point, square, folded, theta, out, 0.5, 0)
        assert out[0, 0] == pytest.approx(np.exp(-0.5 * square[0]), rel=5e-16, abs=1e-300)
