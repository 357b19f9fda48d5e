"""What is unlike all that was learned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metallm.learners.novelty import LEAST_ROWS, RECENT, Novelty
from students import made, taught


def test_ordinary_texts_are_not_new_and_those_of_another_topic_are() -> None:
    student = taught(made(300, 3), 3)
    own = [student.log_chances(row.words, row.context)[1] for row in made(300, 3, 1)]
    assert np.mean(np.array(own) < 0.3) >= 0.95
    assert np.mean(own) < 0.05
    for other in (made(100, 3, 2, base=10_000), made(100, 3, 2, shift=2.5)):
        found = [student.log_chances(row.words, row.context)[1] for row in other]
        assert np.mean(np.array(found) > 0.7) > 0.9


def test_nothing_is_new_while_nothing_is_usual() -> None:
    novelty = Novelty(4)
    for place in range(2 * LEAST_ROWS):
        assert novelty.of(1.0, np.full(4, 1e3, np.float32)) == 0.0
        novelty.add(0.1, np.full(4, place % 3, np.float32))
    assert novelty.of(1.0, np.full(4, 1e3, np.float32)) == 1.0


def test_what_was_usual_long_ago_is_forgotten() -> None:
    rng, novelty = np.random.default_rng(0), Novelty(3)
    for place in range(40 + 2 * RECENT):
        unseen = rng.uniform(0.4, 0.6) if place < 40 else rng.uniform(0.0, 0.2)
        novelty.add(unseen, rng.normal(size=3).astype(np.float32))
    assert novelty.of(0.5, np.zeros(3, np.float32)) == 1.0
    assert novelty.of(0.1, np.zeros(3, np.float32)) == 0.0


@pytest.mark.parametrize("dim", [0, 1, 5])
def test_rows_that_are_all_the_same_make_any_other_new(dim: int) -> None:
    novelty = Novelty(dim)
    for _ in range(60):
        novelty.add(0.0, np.ones(dim, np.float32))
    assert novelty.of(0.0, np.ones(dim, np.float32)) == 0.0
    assert novelty.of(1.0, np.ones(dim, np.float32)) == 1.0
    assert novelty.of(0.0, np.zeros(dim, np.float32)) == (1.0 if dim else 0.0)


@given(st.integers(0, 2**32 - 1), st.integers(0, 50))
@settings(max_examples=30)
def test_a_row_taken_back_leaves_mean_and_spread(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    rows, extra = rng.normal(size=(count, 4)), rng.normal(size=4) * 5.0
    mine, theirs = Novelty(4), Novelty(4)
    mine.add(0.0, extra.astype(np.float32))
    for row in rows.astype(np.float32):
        mine.add(0.0, row)
        theirs.add(0.0, row)
    mine.take_back(extra.astype(np.float32))
    for name in ("mean", "squares"):
        np.testing.assert_allclose(mine.state()[name], theirs.state()[name], atol=1e-5)


def test_a_saved_state_goes_on_alike() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4)).astype(np.float32)
    mine, theirs = Novelty(4), Novelty(4)
    for row in rows[:100]:
        mine.add(rng.uniform(), row)
    theirs.load(mine.state())
    for row in rows[100:]:
        for each in (mine, theirs):
            each.add(float(abs(row[0])) / 4.0, row)
        assert mine.of(0.4, 2.0 * row) == theirs.of(0.4, 2.0 * row)
