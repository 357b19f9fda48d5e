from __future__ import annotations

import numpy as np
import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder
from metallm.errors import InputError
from metallm.evaluation.greedy import greedy_choices, greedy_points
from metallm.evaluation.panel import Panel, panel_of


def panel(n: int = 6) -> Panel:
    rng = np.random.default_rng(0)
    quality = rng.uniform(size=(n, 3))
    quality[0, 2] = np.nan
    return panel_of(("a", "b", "c"), quality, np.tile([1.0, 2.0, 4.0], (n, 1)))


def test_perfect_estimates_choose_the_best_reward_of_each_row() -> None:
    rows = panel()
    estimates = np.nan_to_num(rows.quality, nan=9.0)
    costs = np.tile([1.0, 2.0, 4.0], (6, 1))
    chosen = greedy_choices(rows, estimates, costs, cost_weight=0.3, cost_scale=4.0)
    np.testing.assert_array_equal(chosen, np.nanargmax(rows.reward(0.3, 4.0), axis=1))


def test_a_dear_cost_weight_asks_the_cheapest_and_none_at_all_the_best() -> None:
    rows = panel()
    estimates = np.nan_to_num(rows.quality)
    points = greedy_points(
        rows, estimates, np.tile([1.0, 2.0, 4.0], (6, 1)), cost_weights=(0.0, 99.0), cost_scale=4.0
    )
    assert points.cost_usd[1] == 1.0
    assert points.quality[0] == pytest.approx(np.nanmax(rows.quality, axis=1).mean())


def test_choices_from_a_routers_estimates_are_the_greedy_routers_own() -> None:
    router = metallm.Router([CHEAP, DEAR], policy="greedy", embedder=HashEmbedder())
    texts = [f"{'hard' if number % 3 else 'easy'} {number}" for number in range(60)]
    right = np.array([[0.9, 1.0] if "easy" in text else [0.1, 0.9] for text in texts])
    cost = np.tile([1e-5, 1e-3], (60, 1))
    names = [CHEAP.name, DEAR.name]
    router.learn(texts, arms=names, quality=right, cost_usd=cost, output_tokens=cost * 0 + 9.0)
    seen = router.decide_many(texts)
    quality = np.array([[each.estimates[name].quality for name in names] for each in seen])
    usd = np.array([[each.estimates[name].cost_usd or 0.0 for name in names] for each in seen])
    rows = panel_of(names, right, cost)
    for p in (0.0, 0.1, 0.5, 1.0):
        chosen = greedy_choices(rows, quality, usd, cost_weight=p, cost_scale=seen[0].cost_scale)
        asked = [each.arm for each in router.decide_many(texts, cost_weight=p)]
        assert [names[column] for column in chosen] == asked
    router.close()


def test_estimates_that_do_not_cover_the_panel_are_refused() -> None:
    with pytest.raises(InputError, match="must cover"):
        greedy_choices(panel(), np.ones((2, 3)), np.ones((2, 3)), cost_weight=0.0, cost_scale=1.0)
