from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.learners.kernel import WIDTH, KernelRidge
from metallm.learners.penalty import KERNEL_GRID
from metallm.learners.sets import RowSet


def _points(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.4, size=(count, 3))


def _kernel(arms: int = 2, points: int = 12) -> KernelRidge:
    return KernelRidge(_points(points), arms, prior=0.6, bias_penalty=2.0)


def test_its_features_products_are_the_kernel_on_the_landmarks_themselves() -> None:
    kernel = _kernel()
    points = kernel.points
    through = kernel.kernel(points) @ kernel.root
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    assert through @ through.T == pytest.approx(np.exp(-apart / (2 * WIDTH**2)), abs=1e-4)


def test_an_arm_that_knows_nothing_gives_the_prior() -> None:
    assert _kernel().predict(_points(5, seed=1)) == pytest.approx(np.full((5, 2), 0.6))


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0.0, 1.0)), min_size=2, max_size=25),
    st.randoms(use_true_random=False),
)
def test_the_order_of_outcomes_does_not_matter(
    outcomes: list[tuple[int, float]], chance: random.Random
) -> None:
    contexts = _points(25, seed=2)
    known = [(arm, context, y) for (arm, y), context in zip(outcomes, contexts, strict=False)]
    first, second = _kernel(), _kernel()
    for arm, context, y in known:
        first.update(arm, context, y)
    chance.shuffle(known)
    for arm, context, y in known:
        second.update(arm, context, y)
    probe = _points(6, seed=3)
    assert second.predict(probe) == pytest.approx(first.predict(probe), abs=1e-9)


def test_outcomes_one_by_one_give_what_a_fit_gives() -> None:
    contexts, rng = _points(60, seed=4), np.random.default_rng(5)
    y = rng.uniform(size=(60, 2))
    fitted = _kernel()
    fitted.fit(contexts, [RowSet((0, 1), np.arange(60), y, None)])
    assert fitted.l2[1] in KERNEL_GRID
    stepped = _kernel()
    stepped.l2 = fitted.l2.copy()
    stepped.P[:] = np.diag(1.0 / fitted.l2)
    for row in range(60):
        for arm in range(2):
            stepped.update(arm, contexts[row], float(y[row, arm]))
    probe = _points(6, seed=6)
    assert stepped.predict(probe) == pytest.approx(fitted.predict(probe), abs=1e-9)


def test_taking_back_leaves_what_was_before() -> None:
    kernel, contexts = _kernel(), _points(20, seed=7)
    for row in range(19):
        kernel.update(row % 2, contexts[row], row / 19)
    before = kernel.predict(contexts)
    kernel.update(1, contexts[19], 1.0)
    kernel.predict(contexts)
    kernel.update(1, contexts[19], 1.0, -1.0)
    assert kernel.predict(contexts) == pytest.approx(before, abs=1e-9)


def test_a_new_arm_knows_the_prior_and_a_saved_state_goes_on_alike() -> None:
    kernel, contexts = _kernel(), _points(20, seed=8)
    for row in range(10):
        kernel.update(row % 2, contexts[row], row / 9)
    kernel.add_arm()
    assert kernel.predict(contexts)[:, 2] == pytest.approx(np.full(20, 0.6))
    again = KernelRidge.loaded(kernel.state())
    for each in (kernel, again):
        each.update(2, contexts[3], 0.0)
    assert again.predict(contexts).tolist() == kernel.predict(contexts).tolist()


def test_other_estimates_are_averaged_with_the_kernel_s() -> None:
    kernel, contexts = _kernel(), _points(5, seed=1)
    for number, point in enumerate(contexts):
        kernel.update(number % 2, point, 1.0)
    own, others = kernel.predict(contexts), np.arange(10.0).reshape(5, 2)
    together = others.copy()
    kernel.mix_in(contexts, together, 2)
    assert together == pytest.approx((others + own) / 3.0, abs=1e-14)
    for row in range(5):
        alone = others[row : row + 1].copy()
        kernel.mix_in(contexts[row : row + 1], alone, 2)
        assert alone[0] == pytest.approx(together[row], abs=1e-14)
