from __future__ import annotations

import numpy as np
import pytest

from metallm.learners.cost import CostLearner


def _contexts(count: int) -> np.ndarray:
    return np.zeros((count, 2), dtype=np.float32)


def _listed(*prices: float, count: int = 1) -> np.ndarray:
    return np.tile(np.array(prices), (count, 1))


def test_an_arm_never_billed_costs_its_list_price() -> None:
    learner = CostLearner(0)
    cost = learner.estimate(_contexts(1), np.array([50.0]), ("a", "b"), _listed(0.001, 0.03))
    assert cost.tolist() == [[0.001, 0.03]]
    assert learner.mean_usd(("a", "b"), np.array([0.001, 0.03])).tolist() == [0.001, 0.03]


def test_without_a_price_and_without_a_bill_a_cost_is_unknown_and_never_0() -> None:
    learner = CostLearner(0)
    cost = learner.estimate(_contexts(1), np.array([50.0]), ("a",), _listed(np.nan))
    assert np.isnan(cost).all()
    assert np.isnan(learner.mean_usd(("a",), np.array([np.nan]))).all()


def test_bills_teach_the_cost_of_an_arm_without_a_price() -> None:
    learner = CostLearner(0)
    for _ in range(200):
        learner.update(_contexts(1)[0], 100.0, "a", 0.004, None)
    cost = learner.estimate(_contexts(1), np.array([100.0]), ("a",), _listed(np.nan))
    assert cost[0, 0] == pytest.approx(0.004, rel=0.05)
    assert learner.mean_usd(("a",), np.array([np.nan]))[0] == pytest.approx(0.004)


def test_an_arm_that_bills_thrice_its_list_price_is_believed_and_others_take_the_hint() -> None:
    learner = CostLearner(0)
    for _ in range(200):
        learner.update(_contexts(1)[0], 50.0, "a", 0.003, 0.001)
    cost = learner.estimate(_contexts(1), np.array([50.0]), ("a", "new"), _listed(0.001, 0.01))
    assert cost[0, 0] == pytest.approx(0.003, rel=0.05)
    assert cost[0, 1] == pytest.approx(0.03, rel=0.05)


def test_a_changed_price_counts_at_once() -> None:
    learner = CostLearner(0)
    for _ in range(200):
        learner.update(_contexts(1)[0], 50.0, "a", 0.003, 0.001)
    halved = learner.estimate(_contexts(1), np.array([50.0]), ("a",), _listed(0.0005))
    assert halved[0, 0] == pytest.approx(0.0015, rel=0.05)


def test_what_a_feature_adds_to_the_bill_is_learned() -> None:
    rng = np.random.default_rng(0)
    contexts = rng.uniform(-1, 1, size=(2000, 2)).astype(np.float32)
    listed = np.full((2000, 1), 0.001)
    bills = 0.001 * np.exp(0.8 * contexts[:, 1:])
    learner = CostLearner(1)
    learner.fit(contexts, np.full(2000, 50.0), ("a",), bills, listed)
    probe = np.array([[0.0, -1.0], [0.0, 1.0]], dtype=np.float32)
    cost = learner.estimate(probe, np.array([50.0, 50.0]), ("a",), _listed(0.001, count=2))
    assert cost[:, 0] == pytest.approx(0.001 * np.exp([-0.8, 0.8]), rel=0.05)


def test_the_expectation_of_a_skewed_bill_is_its_mean_and_not_its_median() -> None:
    rng = np.random.default_rng(0)
    bills = 0.001 * rng.lognormal(0.0, 0.8, size=(5000, 1))
    learner = CostLearner(0)
    learner.fit(_contexts(5000), np.full(5000, 50.0), ("a",), bills, np.full((5000, 1), 0.001))
    cost = learner.estimate(_contexts(1), np.array([50.0]), ("a",), _listed(0.001))
    assert cost[0, 0] == pytest.approx(float(bills.mean()), rel=0.05)


def test_an_arm_that_is_free_by_its_price_stays_free() -> None:
    learner = CostLearner(0)
    learner.update(_contexts(1)[0], 50.0, "local", 0.0, 0.0)
    cost = learner.estimate(_contexts(1), np.array([50.0]), ("local",), _listed(0.0))
    assert cost.tolist() == [[0.0]]


def test_a_saved_learner_goes_on_alike() -> None:
    learner, other = CostLearner(1), CostLearner(1)
    rng = np.random.default_rng(3)
    for step in range(30):
        context = rng.normal(size=2).astype(np.float32)
        learner.update(context, 40.0 + step, f"arm{step % 3}", 0.001 * (1 + step), 0.002)
    other.load(learner.state())
    for each in (learner, other):
        each.update(_contexts(1)[0], 9.0, "arm1", 0.5, 0.002)
    names = ("arm0", "arm1", "arm2", "new")
    probe = rng.normal(size=(4, 2)).astype(np.float32)
    listed = np.full((4, 4), 0.002)
    tokens = np.array([0.0, 10.0, 20.0, 30.0])
    first, second = (each.estimate(probe, tokens, names, listed) for each in (learner, other))
    assert first.tolist() == second.tolist()
