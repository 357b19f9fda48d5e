"""What does not fit is refused or copied, never read past its end; nothing is leaked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from loops import BOTH, compiled, needs_compiled
from metallm.inner import pure

Calls = dict[str, tuple[Callable[..., Any], list[Any]]]
K, D, M, CUTS, CELLS = 3, 5, 4, 2, 6


def _ridge(loops: ModuleType) -> Any:
    solved, sums = np.zeros((K, D + 1, D)), np.zeros((K, D + 2, D + 2))
    kept = np.zeros((4, max(K, D)))
    held = kept[0, :D], kept[1, :D], kept[2, :K], kept[3, :K]
    return loops.RidgeLoops(solved, sums, *held, 0.25, 10.0)


def _calls(loops: ModuleType) -> Calls:
    """Every loop with arguments that fit."""
    rng = np.random.default_rng(0)
    some = rng.uniform
    ridge = _ridge(loops)
    cells = np.array([1, 7], dtype=np.intp)
    kernel = [some(size=(M, D)), some(size=M)]
    table = some(size=(2, K, CUTS * CELLS))
    return {
        "moments": (ridge.moments, [some(size=(1, D)), np.empty((2, 1, K)), 1]),
        "update": (ridge.update, [1, some(size=D), 0.5, 1.0]),
        "gap_weights": (
            loops.gap_weights,
            [some(size=(2, K)), some(size=(2, K)), np.empty((2, K)), 9.0, 1.0],
        ),
        "draw": (loops.draw, [some(size=K), 0.5]),
        "uniform": (loops.uniform, [1, 2]),
        "project": (
            loops.project,
            [
                some(size=(1, D)).astype(np.float32),
                some(size=D),
                some(size=(D, 2)),
                np.empty((1, 3)),
            ],
        ),
        "locate": (
            loops.locate,
            [
                some(size=(1, D)),
                some(size=(D, CUTS * CELLS)),
                some(size=CUTS * CELLS),
                np.empty((1, CUTS), np.intp),
            ],
        ),
        "looked_up": (
            loops.looked_up,
            [some(size=(1, D)), some(size=(D, CUTS * CELLS)), some(size=CUTS * CELLS),
             some(size=(CUTS * CELLS, K)), np.empty((1, K)), CUTS],
        ),
        "count": (loops.count, [table[0], table[1], cells, 2, 0.5, 1.0]),
        "shrunk": (
            loops.shrunk,
            [table[0], table[1], some(size=K), np.empty((CUTS * CELLS, K)), 10.0],
        ),
        "kernel_predict": (
            loops.kernel_predict,
            [some(size=(1, D)), *kernel, some(size=(K, M)), some(size=(K, M + 1)),
             np.empty((1, K)), 2.0, 2],
        ),
        "kernel_update": (
            loops.kernel_update,
            [some(size=D), *kernel, some(size=(M, M)), np.zeros((K, M + 1, M + 1)),
             some(size=(K, M + 1)), some(size=(K, M)), 1, 0.5, 1.0, 2.0],
        ),
        "expected_costs": (
            loops.expected_costs,
            [some(size=(1, D)), some(size=(D, K)), some(size=K), some(size=(1, K)),
             np.empty((1, K)), 0.5],
        ),
        "token_sum": (
            loops.token_sum,
            [some(size=(9, D)).astype(np.float32), np.array([8, 0, 8]), np.empty(D, np.float32)],
        ),
        "gram_sums": (
            loops.gram_sums,
            [np.array([8, 0, 8]), some(size=6), np.empty(4), 3, 2**64 - 59],
        ),
        "hashed_ends": (loops.hashed_ends, ["a b", np.zeros(D, np.float32), 9, 0.5]),
        "describe": (
            loops.Lexicon(("a", "b")).describe,
            ["a b", 3, np.empty(24, np.float32), 0.5],
        ),
        "sparse_scores": (
            loops.sparse_scores,
            [np.array([0, 4], np.uint16), some(size=D), 9.0, some(size=(D + 1, K)), np.empty(K),
             0.5],
        ),
        "sparse_step": (
            loops.sparse_step,
            [np.array([0, 4], np.uint16), some(size=D), 9.0, some(size=(D + 1, K)), some(size=K),
             1.5, 2, 3.0, 0.5],
        ),
        "dense_scores": (
            loops.dense_scores,
            [some(size=D).astype(np.float32), some(size=(K, D + 1)), np.empty(K), 0.5],
        ),
        "dense_step": (
            loops.dense_step,
            [some(size=D).astype(np.float32), some(size=(K, D + 1)), some(size=K), 2, 3.0, 0.5],
        ),
        "scaled": (loops.scaled, [some(size=D), np.empty(D, np.float32), 0.5]),
    }  # fmt: skip


FREE = (
    {("draw", 0), ("locate", 3), ("count", 2), ("token_sum", 1)}
    | {("gram_sums", place) for place in range(3)}
    | {("expected_costs", 0), ("hashed_ends", 1), ("sparse_scores", 0), ("sparse_step", 0)}
)
"""Arguments that may have any length."""


def _arrays(arguments: list[Any]) -> list[int]:
    return [place for place, each in enumerate(arguments) if isinstance(each, np.ndarray)]


@needs_compiled
@pytest.mark.parametrize("name", list(_calls(pure)))
def test_every_argument_of_another_shape_or_kind_is_refused(name: str) -> None:
    fast = compiled()
    assert fast is not None
    call, arguments = _calls(fast)[name]
    call(*arguments)
    for place in _arrays(arguments):
        array = arguments[place]
        longer = np.concatenate([array, array], axis=-1)
        free = (name, place) in FREE
        shorter = array[..., :-1].copy()
        for wrong in (shorter, longer, array[None], array[..., None]):
            if free and wrong.ndim == array.ndim:
                continue  # any length will do there
            with pytest.raises(ValueError, match=r"must have \d dimension|has length|cut|\d cells"):
                call(*arguments[:place], wrong, *arguments[place + 1 :])
        with pytest.raises((ValueError, TypeError)):
            call(*arguments[:place], None, *arguments[place + 1 :])
    with pytest.raises(TypeError, match="arguments"):
        call(*arguments, 1)


@needs_compiled
@pytest.mark.parametrize("name", list(_calls(pure)))
def test_what_is_only_read_may_have_holes_be_of_another_kind_or_be_read_only(name: str) -> None:
    fast = compiled()
    assert fast is not None
    outputs = {"moments": [1], "gap_weights": [2], "project": [3], "locate": [3],
               "looked_up": [4], "count": [0, 1], "shrunk": [3], "kernel_predict": [5],
               "kernel_update": [4, 5, 6], "token_sum": [2], "gram_sums": [2],
               "scaled": [1], "expected_costs": [4], "hashed_ends": [1],
               "describe": [2], "sparse_scores": [4], "sparse_step": [3, 4],
               "dense_scores": [2], "dense_step": [1, 2]}  # fmt: skip
    call, arguments = _calls(fast)[name]
    for place in _arrays(arguments):
        array = arguments[place]
        holes = np.repeat(array, 2, axis=-1)[..., ::2]
        swapped = array.astype(array.dtype.newbyteorder())
        fixed = array.copy()
        fixed.flags.writeable = False
        for other in (holes, swapped, fixed):
            if place in outputs.get(name, []):
                with pytest.raises(ValueError, match="writable, contiguous array"):
                    call(*arguments[:place], other, *arguments[place + 1 :])
            else:
                call(*arguments[:place], other, *arguments[place + 1 :])


@pytest.mark.parametrize("loops", BOTH)
def test_positions_that_do_not_exist_are_refused(loops: ModuleType) -> None:
    calls = _calls(loops)
    for name, place in (
        ("update", 0),
        ("count", 3),
        ("kernel_update", 7),
        ("sparse_step", 6),
        ("dense_step", 3),
    ):
        call, arguments = calls[name]
        for wrong in (-1, K, 2**40):
            with pytest.raises(IndexError):
                call(*arguments[:place], wrong, *arguments[place + 1 :])
    call, arguments = calls["looked_up"]
    for cuts in (-1, 0, 5, 2**40):
        with pytest.raises(ValueError, match="cannot be cut"):
            call(*arguments[:5], cuts)


@pytest.mark.parametrize("loops", BOTH)
def test_nothing_to_draw_from_is_refused(loops: ModuleType) -> None:
    for nothing in (np.zeros(0), np.zeros(3)):
        with pytest.raises(ValueError, match="probability above 0"):
            loops.draw(nothing, 0.5)
    with pytest.raises(OverflowError):
        loops.uniform(0, -1)


@pytest.mark.parametrize("loops", BOTH)
def test_tokens_that_are_no_rows_are_refused(loops: ModuleType) -> None:
    table, out = np.ones((4, 2), dtype=np.float32), np.empty(2, dtype=np.float32)
    for wrong in (-1, 4, 2**40):
        with pytest.raises(IndexError):
            loops.token_sum(table, np.array([0, wrong]), out)


@pytest.mark.parametrize("loops", BOTH)
@pytest.mark.parametrize(("entries", "known"), [(3, 6), (0, 6), (2048, 6), (4, 5)])
def test_hashes_that_do_not_fit_are_refused(loops: ModuleType, entries: int, known: int) -> None:
    with pytest.raises(ValueError, match="no power of two"):
        loops.gram_sums(np.arange(3), np.ones(known), np.empty(entries), 3, 5)


@pytest.mark.parametrize("loops", BOTH)
def test_a_lexicon_has_31_groups_at_most(loops: ModuleType) -> None:
    assert loops.Lexicon(("a b",) * 31).count("A, c.")[-31:] == (1,) * 31
    with pytest.raises(ValueError, match="31 groups"):
        loops.Lexicon(("a",) * 32)


@pytest.mark.parametrize("loops", BOTH)
def test_ends_need_an_entry_and_a_reach(loops: ModuleType) -> None:
    for entries, reach in ((0, 9), (4, 0), (4, -1)):
        with pytest.raises(ValueError, match="out has no entry"):
            loops.hashed_ends("a b", np.zeros(entries, np.float32), reach, 0.5)


@needs_compiled
def test_what_is_no_text_of_ascii_is_not_counted_here() -> None:
    fast = compiled()
    assert fast is not None
    with pytest.raises(ValueError, match="ASCII"):
        fast.hashed_ends("é", np.zeros(4, np.float32), 9, 0.5)
    with pytest.raises(TypeError):
        fast.hashed_ends(b"a", np.zeros(4, np.float32), 9, 0.5)
    with pytest.raises(ValueError, match="ASCII"):
        fast.Lexicon(("a",)).count("é")
    with pytest.raises(ValueError, match="ASCII"):
        fast.Lexicon(("a",)).describe("é", 1, np.empty(23, np.float32), 0.5)
    with pytest.raises(UnicodeEncodeError):
        fast.Lexicon(("a",)).count("\ud800")
    for wrong in (None, 1, b"a"):
        with pytest.raises(TypeError):
            fast.Lexicon(("a",)).count(wrong)
    for groups in (["a"], (1,), None):
        with pytest.raises(TypeError):
            fast.Lexicon(groups)


@pytest.mark.parametrize("loops", BOTH)
def test_a_ridge_whose_stacks_do_not_fit_is_refused(loops: ModuleType) -> None:
    good = [np.zeros(shape) for shape in ((2, 4, 3), (2, 5, 5), 3, 3, 2, 2)]
    loops.RidgeLoops(*good, 0.25, 10.0)
    for place, array in enumerate(good):
        wrong = [*good[:place], np.zeros(tuple(np.add(array.shape, 1))), *good[place + 1 :]]
        with pytest.raises(ValueError, match=r"has (length|shape)"):
            loops.RidgeLoops(*wrong, 0.25, 10.0)


@needs_compiled
def test_a_failed_update_changes_nothing() -> None:
    fast = compiled()
    assert fast is not None
    solved, sums = np.ones((K, D + 1, D)), np.ones((K, D + 2, D + 2))
    kept = [np.ones(size) for size in (D, D, K, K)]
    ridge = fast.RidgeLoops(solved, sums, *kept, 0.25, 10.0)
    for wrong in ([0, np.ones(D + 1), 1.0, 1.0], [K, np.ones(D), 1.0, 1.0]):
        with pytest.raises((ValueError, IndexError)):
            ridge.update(*wrong)
    with pytest.raises(TypeError):
        ridge.update(0, np.ones(D), "much", 1.0)
    assert (solved == 1.0).all()
    assert (sums == 1.0).all()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@needs_compiled
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells no resident memory")
def test_a_hundred_thousand_calls_leave_nothing_behind() -> None:
    fast = compiled()
    assert fast is not None
    calls = _calls(fast)

    def around(times: int) -> None:
        for call, arguments in calls.values():
            wrong = [np.zeros((9, 9, 9, 9)), *arguments[1:]]
            for _ in range(times):
                call(*arguments)
                try:
                    call(*wrong)
                except (ValueError, TypeError):
                    continue
                raise AssertionError("what does not fit was taken")
        for _ in range(times):
            _ridge(fast)
            fast.Lexicon(("a b", "c")).count("a d a" * 20)

    around(200)
    arrays = [each for _, given in calls.values() for each in given if isinstance(each, np.ndarray)]
    counted, before = [sys.getrefcount(each) for each in arrays], _resident_bytes()
    around(100_000 // (2 * len(calls)))
    assert [sys.getrefcount(each) for each in arrays] == counted
    assert _resident_bytes() - before < 2**20
