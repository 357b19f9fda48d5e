from __future__ import annotations

import numpy as np
import pytest

from metallm.core.outcome import Recorded
from metallm.learners.paper import PaperLearner

P = 0.4
LAMBDA = 2.0
COSTS = np.array([0.1, 1.0])


def _recorded(count: int = 30) -> Recorded:
    rng = np.random.default_rng(0)
    nothing = np.full((count, 2), np.nan)
    return Recorded(
        rng.normal(size=(count, 4)).astype(np.float32),
        ("cheap", "dear"),
        (rng.uniform(size=(count, 2)) < 0.6).astype(np.float64),
        nothing,
        np.full(count, 10.0),
        nothing,
        nothing,
    )


def test_the_start_is_algorithm_1_in_closed_form() -> None:
    recorded = _recorded()
    learner = PaperLearner(4, cost_weight=P, penalty=LAMBDA)
    learner.fit(recorded, COSTS)
    X = recorded.contexts.astype(np.float64)
    x = np.array([[1.0, -0.5, 0.2, 0.0]], dtype=np.float32)
    reward, width = learner.estimate(x, ("cheap", "dear"))
    A = X.T @ X + LAMBDA * np.eye(4)
    for arm in range(2):
        b = X.T @ (recorded.quality[:, arm] - P * COSTS[arm])
        assert reward[0, arm] == pytest.approx(float(x[0] @ np.linalg.solve(A, b)))
        assert width[0, arm] == pytest.approx(float(np.sqrt(x[0] @ np.linalg.solve(A, x[0]))))


def test_each_outcome_after_it_adds_to_the_chosen_arm_alone() -> None:
    recorded = _recorded()
    learner = PaperLearner(4, cost_weight=P, penalty=LAMBDA)
    learner.fit(recorded, COSTS)
    x = np.array([0.3, 0.1, -1.0, 0.5], dtype=np.float32)
    before, _ = learner.estimate(x[None], ("cheap", "dear"))
    learner.update(x, "dear", 1.0, scaled_cost=1.0)
    after, _ = learner.estimate(x[None], ("cheap", "dear"))
    X = np.vstack([recorded.contexts, x]).astype(np.float64)
    r = np.append(recorded.quality[:, 1] - P * 1.0, 1.0 - P * 1.0)
    theta = np.linalg.solve(X.T @ X + LAMBDA * np.eye(4), X.T @ r)
    assert after[0, 1] == pytest.approx(float(x @ theta))
    assert after[0, 0] == before[0, 0]


def test_an_arm_without_outcomes_expects_nothing_with_the_widest_ellipsoid() -> None:
    learner = PaperLearner(4, cost_weight=P, penalty=LAMBDA)
    x = np.array([[3.0, 0.0, 4.0, 0.0]], dtype=np.float32)
    reward, width = learner.estimate(x, ("new",))
    assert reward[0, 0] == 0.0
    assert width[0, 0] == pytest.approx(5.0 / np.sqrt(LAMBDA))
