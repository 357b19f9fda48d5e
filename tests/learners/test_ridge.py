from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metallm.learners.ridge import ArmRidge

D = 5
L2 = np.array([0.5, 2.0, 2.0, 2.0, 3.0])
PRIOR = np.array([0.7, 0.1, 0.0, -0.2, 0.0])


def _rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, D)), rng.uniform(size=count)


def _closed_form(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The minimum of |y − zθ|² + (θ − θ₀)ᵀ Λ (θ − θ₀)."""
    return np.asarray(np.linalg.solve(z.T @ z + np.diag(L2), z.T @ y + L2 * PRIOR))


def test_without_outcomes_an_arm_is_its_prior() -> None:
    ridge = ArmRidge(1, L2, PRIOR)
    assert ridge.theta[0] == pytest.approx(PRIOR)
    z, _ = _rows(3)
    assert ridge.predict(z)[:, 0] == pytest.approx(z @ PRIOR)
    assert ridge.spread(z)[:, 0] ** 2 == pytest.approx((z * z) @ (1 / L2))


def test_a_batch_gives_the_closed_form() -> None:
    z, y = _rows(40)
    ridge = ArmRidge(2, L2, PRIOR)
    ridge.add(1, z, y)
    ridge.refactor()
    assert ridge.theta[1] == pytest.approx(_closed_form(z, y))
    assert ridge.theta[0] == pytest.approx(PRIOR)
    assert ridge.P[1] == pytest.approx(np.linalg.inv(z.T @ z + np.diag(L2)))


def test_a_hundred_thousand_rank_one_updates_stay_with_the_batch() -> None:
    z, y = _rows(100_000)
    ridge = ArmRidge(1, L2, PRIOR)
    for row, outcome in zip(z, y, strict=True):
        ridge.update(0, row, float(outcome))
    assert np.abs(ridge.theta[0] - _closed_form(z, y)).max() < 1e-9
    assert np.abs(ridge.P[0] - np.linalg.inv(z.T @ z + np.diag(L2))).max() < 1e-9


@given(st.permutations(list(range(12))))
@settings(max_examples=30)
def test_the_order_of_outcomes_does_not_matter(order: list[int]) -> None:
    z, y = _rows(12)
    ridge = ArmRidge(1, L2, PRIOR)
    for place in order:
        ridge.update(0, z[place], float(y[place]))
    assert ridge.theta[0] == pytest.approx(_closed_form(z, y), abs=1e-10)
    assert ridge.sy[0] == pytest.approx(y.sum())
    assert ridge.syy[0] == pytest.approx((y * y).sum())


def test_taking_an_outcome_back_equals_never_having_had_it() -> None:
    z, y = _rows(20)
    with_it, without = ArmRidge(1, L2, PRIOR), ArmRidge(1, L2, PRIOR)
    for place in range(20):
        with_it.update(0, z[place], float(y[place]))
        if place != 7:
            without.update(0, z[place], float(y[place]))
    with_it.update(0, z[7], float(y[7]), weight=-1.0)
    assert with_it.theta[0] == pytest.approx(without.theta[0], abs=1e-10)
    assert with_it.P[0] == pytest.approx(without.P[0], abs=1e-10)
    assert with_it.n[0] == without.n[0]


def test_sums_of_parts_are_the_sums_of_the_whole() -> None:
    z, y = _rows(30)
    whole, first, second = (ArmRidge(1, L2, PRIOR) for _ in range(3))
    whole.add(0, z, y)
    first.add(0, z[:11], y[:11])
    second.add(0, z[11:], y[11:])
    for key in ("A", "b", "n", "sy", "syy"):
        assert getattr(first, key) + getattr(second, key) == pytest.approx(getattr(whole, key))


def test_weights_count_as_repeats() -> None:
    z, y = _rows(6)
    weighted, repeated = ArmRidge(1, L2, PRIOR), ArmRidge(1, L2, PRIOR)
    weighted.add(0, z, y, np.full(6, 3.0))
    weighted.refactor()
    repeated.add(0, np.tile(z, (3, 1)), np.tile(y, 3))
    repeated.refactor()
    assert weighted.theta == pytest.approx(repeated.theta)


def test_the_residual_variance_goes_from_the_default_to_the_observed() -> None:
    ridge = ArmRidge(2, L2, PRIOR)
    assert ridge.variance() == pytest.approx([0.25, 0.25])
    rng = np.random.default_rng(1)
    z = np.column_stack([np.ones(20_000), rng.normal(size=(20_000, D - 1))])
    y = 0.5 + 0.1 * z[:, 1] + rng.normal(scale=0.3, size=20_000)
    ridge.add(0, z, y)
    ridge.refactor()
    assert ridge.variance() == pytest.approx([0.09, 0.25], rel=0.05)


def test_a_new_arm_leaves_the_others_as_they_were() -> None:
    z, y = _rows(10)
    ridge = ArmRidge(1, L2, PRIOR)
    ridge.add(0, z, y)
    ridge.refactor()
    before = ridge.theta[0].copy()
    ridge.add_arm()
    assert ridge.theta[0] == pytest.approx(before)
    assert ridge.theta[1] == pytest.approx(PRIOR)
    ridge.update(1, z[0], 1.0)
    assert ridge.theta[1] == pytest.approx(_closed_form(z[:1], np.ones(1)))


def test_a_single_query_gets_what_it_gets_in_a_batch() -> None:
    z, y = _rows(60)
    ridge = ArmRidge(3, L2, PRIOR)
    for place in range(60):
        ridge.update(place % 2, z[place], float(y[place]))
    predicted, spread = ridge.predict_with_spread(z)
    assert predicted == pytest.approx(z @ ridge.theta.T)
    assert spread == pytest.approx(np.sqrt(np.einsum("md,kde,me->mk", z, ridge.P, z)))
    same, error = ridge.predict_with_error(z)
    assert same.tolist() == predicted.tolist()
    assert error == pytest.approx(spread * np.sqrt(ridge.variance()))
    for row in range(5):
        alone, its_spread = ridge.predict_with_spread(z[row : row + 1])
        assert np.abs(alone[0] - predicted[row]).max() < 1e-12
        assert np.abs(its_spread[0] - spread[row]).max() < 1e-12


def test_residuals_follow_every_outcome_that_is_learned() -> None:
    z, y = _rows(50)
    ridge = ArmRidge(2, L2, PRIOR)
    for place in range(50):
        arm = place % 2
        ridge.update(arm, z[place], float(y[place]))
        mine = slice(arm, place + 1, 2)
        left = y[mine] - z[mine] @ ridge.theta[arm]
        assert ridge.residual()[arm] == pytest.approx(left @ left, abs=1e-10)
    kept = ridge.variance().copy()
    ridge.refactor()
    assert ridge.variance() == pytest.approx(kept)


def test_parts_of_the_sums_can_be_read_and_set() -> None:
    z, y = _rows(12)
    taught, copy = ArmRidge(2, L2, PRIOR), ArmRidge(2, L2, PRIOR)
    taught.update(1, z[0], float(y[0]), weight=2.0)
    assert taught.A[1] == pytest.approx(2.0 * np.outer(z[0], z[0]))
    assert taught.b[1] == pytest.approx(2.0 * y[0] * z[0])
    assert (taught.n[1], taught.sy[1]) == pytest.approx((2.0, 2.0 * y[0]))
    copy.variance()
    for part in ("A", "b", "n", "sy", "syy", "P", "theta"):
        setattr(copy, part, np.array(getattr(taught, part)))
    assert copy.variance().tolist() == taught.variance().tolist()
    for ridge in (taught, copy):
        ridge.update(1, z[1], float(y[1]))
    assert copy.P.tolist() == taught.P.tolist()
    assert copy.A.tolist() == taught.A.tolist()
