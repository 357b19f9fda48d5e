from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.errors import InputError
from metallm.evaluation.baselines import (
    BEST,
    BEST_BY_QUALITY,
    CHEAPEST,
    MIX,
    NAMES,
    ORACLE,
    RANDOM,
    baselines,
    measure,
)
from metallm.evaluation.panel import Panel, panel_of

NAN = float("nan")


def three_models() -> Panel:
    """Means: a (.5, 1 USD), b (.75, 2 USD), c (1, 10 USD)."""
    quality = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    return panel_of(("a", "b", "c"), quality, np.tile([1.0, 2.0, 10.0], (4, 1)))


def test_every_baseline_is_worked_out_by_hand() -> None:
    found = baselines(three_models(), cost_weight=0.5, mix_cost_usd=6.0)
    assert set(found) == set(NAMES)
    # rewards: a .5 − .05, b .75 − .1, c 1 − .5; oracle: a, a, b, b
    assert found[BEST].model == "b"
    assert found[BEST].reward == pytest.approx(0.65)
    assert found[BEST_BY_QUALITY].model == "c"
    assert found[BEST_BY_QUALITY].reward == pytest.approx(0.5)
    assert found[CHEAPEST].model == "a"
    assert found[CHEAPEST].cost_usd == 1.0
    assert found[RANDOM].quality == pytest.approx(0.75)
    assert found[RANDOM].cost_usd == pytest.approx(13 / 3)
    # half b, half c
    assert found[MIX].quality == pytest.approx(0.875)
    assert found[MIX].reward == pytest.approx(0.875 - 0.3)
    assert found[ORACLE].quality == 1.0
    assert found[ORACLE].cost_usd == pytest.approx(1.5)
    assert found[ORACLE].reward == pytest.approx(1 - 0.075)
    assert found[ORACLE].regret == 0.0
    for name in NAMES:
        assert found[name].regret == pytest.approx(found[ORACLE].reward - found[name].reward)


def test_the_scale_of_costs_can_come_from_elsewhere() -> None:
    found = baselines(three_models(), cost_weight=0.5, cost_scale=100.0)
    assert found[CHEAPEST].reward == pytest.approx(0.5 - 0.5 * 1 / 100)
    assert MIX not in found


def test_a_mix_with_less_money_than_the_cheapest_model_costs_is_that_model() -> None:
    found = baselines(three_models(), cost_weight=0.5, mix_cost_usd=0.1)
    assert (found[MIX].cost_usd, found[MIX].quality) == (1.0, 0.5)


def test_a_mix_does_not_spend_what_gains_nothing() -> None:
    panel = panel_of(("a", "b"), np.array([[1.0, 0.5]]), np.array([[1.0, 9.0]]))
    found = baselines(panel, cost_weight=0.5, mix_cost_usd=9.0)
    assert (found[MIX].cost_usd, found[MIX].quality) == (1.0, 1.0)


def test_of_equals_the_cheaper_model_is_the_best() -> None:
    panel = panel_of(("dear", "cheap"), np.ones((2, 2)), np.tile([5.0, 1.0], (2, 1)))
    found = baselines(panel, cost_weight=0.0)
    assert found[BEST].model == "cheap"
    assert found[BEST_BY_QUALITY].model == "cheap"


def test_a_model_is_judged_on_the_rows_it_has() -> None:
    quality = np.array([[1.0, 0.0], [NAN, 1.0], [1.0, NAN]])
    panel = panel_of(("a", "b"), quality, np.tile([4.0, 2.0], (3, 1)))
    found = baselines(panel, cost_weight=0.0)
    assert found[BEST].model == "a"
    assert found[BEST].quality == 1.0
    assert found[CHEAPEST].quality == 0.5
    # b's rows: it lost 1 on the first and nothing on the second
    assert found[CHEAPEST].regret == 0.5
    # row means: (1 + 0)/2, 1, 1
    assert found[RANDOM].quality == pytest.approx(2.5 / 3)
    assert found[ORACLE].quality == 1.0


def test_free_models_leave_quality_alone_to_decide() -> None:
    panel = panel_of(("a", "b"), np.array([[0.2, 0.8]]), np.zeros((1, 2)))
    found = baselines(panel, cost_weight=3.0, mix_cost_usd=0.0)
    assert found[BEST].model == "b"
    assert found[BEST].reward == found[MIX].reward == 0.8


def test_measuring_choices_gives_the_means_of_what_was_chosen() -> None:
    found = measure(three_models(), np.array([0, 1, 2, 1]), cost_weight=0.5)
    assert found.quality == pytest.approx(0.75)
    assert found.cost_usd == pytest.approx(15 / 4)
    assert found.reward == pytest.approx(0.75 - 0.5 * 15 / 40)
    # row bests: .95, .95, .9, .9; obtained .95, −.1, .5, .9
    assert found.regret == pytest.approx((0 + 1.05 + 0.4 + 0) / 4)


def test_a_choice_without_a_recorded_answer_is_refused() -> None:
    panel = panel_of(("a", "b"), np.array([[1.0, NAN], [1.0, 1.0]]), np.ones((2, 2)))
    with pytest.raises(InputError, match="'b' has no recorded answer in row 0"):
        measure(panel, np.array([1, 1]), cost_weight=0.0)


@given(st.integers(0, 2**32), st.floats(0, 2), st.floats(0, 2))
def test_nothing_beats_the_oracle_and_no_single_model_the_best(
    seed: int, cost_weight: float, money: float
) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0.1, 2.0, (5, 3))
    panel = panel_of(("a", "b", "c"), rng.integers(0, 2, (5, 3)).astype(float), cost)
    found = baselines(panel, cost_weight=cost_weight, mix_cost_usd=money)
    for name in NAMES:
        assert found[name].reward <= found[ORACLE].reward + 1e-9
    for name in (BEST_BY_QUALITY, CHEAPEST, RANDOM):
        assert found[name].reward <= found[BEST].reward + 1e-9
