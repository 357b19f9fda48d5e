from __future__ import annotations

import numpy as np
import pytest

from metallm.errors import InputError
from metallm.evaluation.lead import lead
from metallm.evaluation.panel import panel_of


def test_always_asking_the_best_model_is_ahead_by_nothing() -> None:
    quality = np.random.default_rng(0).uniform(size=(20, 2))
    rows = panel_of(("a", "b"), quality, np.ones((20, 2)))
    best = int(quality.mean(axis=0).argmax())
    found = lead(rows, np.full(20, best), cost_weight=0.2, cost_scale=1.0)
    assert found.model == ("a", "b")[best]
    assert found.per_query(20) == 0.0
    np.testing.assert_array_equal(found.summed(), np.zeros(20))


def test_the_lead_is_taken_over_the_first_queries_and_costs_count() -> None:
    quality = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    rows = panel_of(("dear", "free"), quality, np.tile([1.0, 0.0], (4, 1)))
    found = lead(rows, np.array([1, 0, 1, 1]), cost_weight=0.5, cost_scale=1.0)
    # dear earns .5 a query, free .5 on average too: of equals the cheaper is the best
    assert found.model == "free"
    assert found.per_query(1) == 0.0
    assert found.per_query(2) == pytest.approx(0.25)
    assert found.summed()[-1] == pytest.approx(0.5)
    assert np.isnan(found.per_query(5))
    with pytest.raises(InputError, match="at least one query"):
        found.per_query(0)


def test_where_the_best_model_has_no_answer_its_mean_stands_for_it() -> None:
    quality = np.array([[1.0, 0.0], [np.nan, 0.0], [0.5, 0.0]])
    rows = panel_of(("good", "bad"), quality, np.where(np.isnan(quality), np.nan, 0.0))
    found = lead(rows, np.array([0, 1, 0]), cost_weight=0.0, cost_scale=1.0)
    np.testing.assert_allclose(found.fixed, [1.0, 0.75, 0.5])
