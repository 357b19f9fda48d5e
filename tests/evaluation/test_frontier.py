from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arrays import FloatArray
from metallm.errors import InputError
from metallm.evaluation.frontier import (
    Frontier,
    hull,
    oracle_frontier,
    savings,
    single_models,
    standing,
    zero_frontier,
)
from metallm.evaluation.panel import Panel, panel_of

NAN = float("nan")

Points = list[tuple[float, float]]

# multiples of 1/64 and 1/16: exact sums, no near-ties that only rounding decides
cost_values = st.integers(0, 640).map(lambda value: value / 64)
quality_values = st.integers(0, 16).map(lambda value: value / 16)
points = st.lists(st.tuples(cost_values, quality_values), min_size=1, max_size=30)


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    n, k = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    cells = draw(st.lists(st.tuples(cost_values, quality_values), min_size=n * k, max_size=n * k))
    values = np.array(cells).reshape(n, k, 2)
    return panel_of([f"m{i}" for i in range(k)], values[..., 1], values[..., 0])


def columns(listed: Points) -> tuple[FloatArray, FloatArray]:
    values = np.array(listed, dtype=np.float64)
    return values[:, 0], values[:, 1]


def hull_of(listed: Points) -> Frontier:
    return hull(*columns(listed))


def test_a_point_below_the_line_between_two_others_is_no_vertex() -> None:
    frontier = hull_of([(0.0, 0.0), (1.0, 0.4), (2.0, 1.0)])
    np.testing.assert_array_equal(frontier.cost_usd, [0.0, 2.0])
    assert frontier.quality_at(1.0) == 0.5


def test_a_point_above_the_line_is_a_vertex_and_worse_dearer_points_are_none() -> None:
    frontier = hull_of([(3.0, 0.7), (0.0, 0.0), (1.0, 0.6), (2.0, 1.0), (1.0, 0.1)])
    np.testing.assert_array_equal(frontier.cost_usd, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(frontier.quality, [0.0, 0.6, 1.0])


def test_the_frontier_is_flat_after_its_best_point_and_undefined_before_its_first() -> None:
    frontier = hull_of([(1.0, 0.5), (2.0, 0.9), (5.0, 0.3)])
    assert frontier.quality_at(100.0) == 0.9
    assert np.isnan(frontier.quality_at(0.5))


def test_the_mean_height_is_the_area_worked_out_by_hand() -> None:
    frontier = hull_of([(0.0, 0.0), (1.0, 0.6), (2.0, 1.0)])
    # trapezia: (0 + .6)/2 + (.6 + 1)/2 = 1.1, then flat at 1 for two more
    assert frontier.mean_height(0.0, 2.0) == pytest.approx(0.55)
    assert frontier.mean_height(0.0, 4.0) == pytest.approx(3.1 / 4)
    # from .5 to 1.5: (.3 + .6)/2 · .5 + (.6 + .8)/2 · .5
    assert frontier.mean_height(0.5, 1.5) == pytest.approx(0.575)
    assert frontier.mean_height(1.0, 1.0) == 0.6


def test_a_mean_height_below_the_first_point_is_refused() -> None:
    frontier = hull_of([(1.0, 0.5), (2.0, 0.9)])
    with pytest.raises(InputError, match=r"begins at 1\.0 USD"):
        frontier.mean_height(0.5, 2.0)
    with pytest.raises(InputError, match="no mean height"):
        frontier.mean_height(2.0, 1.0)


def test_the_cost_to_reach_a_quality_is_read_off_the_hull() -> None:
    frontier = hull_of([(0.0, 0.0), (1.0, 0.6), (2.0, 1.0)])
    assert frontier.cost_to_reach(0.3) == pytest.approx(0.5)
    assert frontier.cost_to_reach(0.8) == pytest.approx(1.5)
    assert frontier.cost_to_reach(1.0) == 2.0
    assert np.isnan(frontier.cost_to_reach(1.01))


@pytest.mark.parametrize(
    ("cost", "quality"),
    [([], []), ([1.0], [0.5, 0.6]), ([[1.0]], [[0.5]]), ([NAN], [0.5]), ([1.0], [np.inf])],
)
def test_points_that_make_no_frontier_are_refused(cost: list[float], quality: list[float]) -> None:
    with pytest.raises(InputError):
        hull(np.array(cost), np.array(quality))


@given(points)
def test_the_hull_is_concave_and_rises(listed: Points) -> None:
    frontier = hull_of(listed)
    assert (np.diff(frontier.cost_usd) > 0).all()
    assert (np.diff(frontier.quality) > 0).all()
    slopes = np.diff(frontier.quality) / np.diff(frontier.cost_usd)
    assert (np.diff(slopes) < 0).all()


@given(points)
def test_the_hull_lies_above_every_point_and_its_vertices_are_points(listed: Points) -> None:
    frontier = hull_of(listed)
    for cost, quality in listed:
        assert frontier.quality_at(cost) >= quality - 1e-12
    assert set(zip(frontier.cost_usd, frontier.quality, strict=True)) <= set(listed)


@given(points, points, cost_values)
def test_adding_points_never_lowers_the_hull(first: Points, second: Points, cost: float) -> None:
    before, after = hull_of(first).quality_at(cost), hull_of(first + second).quality_at(cost)
    assert np.isnan(before) or after >= before - 1e-12


@given(points, st.floats(0, 1), st.data())
def test_adding_a_mix_of_two_points_changes_nothing(
    listed: Points, share: float, data: st.DataObject
) -> None:
    (c0, q0), (c1, q1) = (data.draw(st.sampled_from(listed)) for _ in range(2))
    mixed = (share * c0 + (1 - share) * c1, share * q0 + (1 - share) * q1)
    frontier = hull_of(listed)
    with_mix = hull_of([*listed, mixed])
    for cost, _ in listed:
        assert with_mix.quality_at(cost) == pytest.approx(frontier.quality_at(cost), abs=1e-9)


@given(points, st.floats(0.01, 1000.0))
def test_the_unit_of_cost_does_not_matter(listed: Points, unit: float) -> None:
    cost, quality = columns(listed)
    low, high = float(cost.min()), float(cost.max())
    plain = hull(cost, quality).mean_height(low, high)
    scaled = hull(cost * unit, quality).mean_height(low * unit, high * unit)
    assert scaled == pytest.approx(plain, abs=1e-6)


def two_model_panel() -> Panel:
    """Four queries; "cheap" is right on two, "dear" on three, together on all."""
    quality = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    cost = np.tile([1.0, 5.0], (4, 1))
    return panel_of(("cheap", "dear"), quality, cost)


def test_the_zero_router_mixes_the_single_models() -> None:
    panel = two_model_panel()
    costs, qualities = single_models(panel)
    np.testing.assert_array_equal(costs, [1.0, 5.0])
    np.testing.assert_array_equal(qualities, [0.5, 0.75])
    assert zero_frontier(panel).quality_at(3.0) == pytest.approx(0.625)


def test_the_oracle_pays_for_the_dear_model_only_where_it_helps() -> None:
    frontier = oracle_frontier(two_model_panel())
    # cheap everywhere: (1, .5); dear on queries 1 and 2: (1 + 2 · 4/4, 1)
    np.testing.assert_allclose(frontier.cost_usd, [1.0, 3.0])
    np.testing.assert_allclose(frontier.quality, [0.5, 1.0])


def test_gap_closed_is_worked_out_by_hand() -> None:
    panel = two_model_panel()
    # zero: (.5 + .75)/2; oracle: ((.5 + 1)/2 · 2 + 1 · 2)/4
    at_zero = standing(panel, np.array([1.0, 5.0]), np.array([0.5, 0.75]))
    assert at_zero.aiq_zero == pytest.approx(0.625)
    assert at_zero.aiq_oracle == pytest.approx(0.875)
    assert at_zero.gap_closed == pytest.approx(0.0)
    at_oracle = standing(panel, np.array([3.0]), np.array([1.0]))
    assert at_oracle.gap_closed == pytest.approx(1.0)
    # a router at (3, .75): (.5 + .75)/2 · 2 + .75 · 2 = 2.75, over 4
    halfway = standing(panel, np.array([3.0]), np.array([0.75]))
    assert halfway.aiq == pytest.approx(0.6875)
    assert halfway.gap_closed == pytest.approx(0.25)


def test_a_router_worse_than_mixing_closes_a_negative_gap() -> None:
    found = standing(two_model_panel(), np.array([5.0]), np.array([0.6]))
    assert found.gap_closed < 0.0


def test_savings_are_shares_of_the_best_single_models_cost() -> None:
    panel = two_model_panel()
    found = standing(panel, np.array([3.0]), np.array([0.75]), levels=(1.0, 2 / 3, 1.4))
    # .75 is reached at 3 of 5 USD; .5 at 1 of 5
    assert found.savings[1.0] == pytest.approx(0.4)
    assert found.savings[2 / 3] == pytest.approx(0.8)
    assert np.isnan(found.savings[1.4])
    # mixing reaches all of .75 only with the dear model itself
    assert found.zero_savings[1.0] == pytest.approx(0.0)


def test_of_two_equally_good_models_the_cheaper_one_is_the_measure_of_savings() -> None:
    panel = panel_of(("a", "b"), np.ones((2, 2)), np.tile([1.0, 9.0], (2, 1)))
    assert savings(zero_frontier(panel), panel)[1.0] == 0.0


def test_nothing_is_saved_on_a_free_model() -> None:
    panel = panel_of(("a",), np.ones((2, 1)), np.zeros((2, 1)))
    assert np.isnan(savings(zero_frontier(panel), panel)[0.99])


def test_where_the_oracle_gains_nothing_the_gap_is_undefined() -> None:
    panel = panel_of(("a", "b"), np.tile([0.0, 1.0], (3, 1)), np.tile([1.0, 2.0], (3, 1)))
    assert np.isnan(standing(panel, np.array([1.5]), np.array([0.5])).gap_closed)


@given(panels(), st.floats(0, 5))
def test_the_oracle_reaches_the_best_reward_at_every_trade_off(panel: Panel, p: float) -> None:
    frontier = oracle_frontier(panel)
    best = (panel.quality - p * panel.cost_usd).max(axis=1).mean()
    reached = (frontier.quality - p * frontier.cost_usd).max()
    assert reached == pytest.approx(best, abs=1e-9)


@given(panels())
def test_no_mix_of_models_beats_the_oracle(panel: Panel) -> None:
    zero, oracle = zero_frontier(panel), oracle_frontier(panel)
    for cost in zero.cost_usd:
        assert oracle.quality_at(cost) >= zero.quality_at(cost) - 1e-9


def test_missing_answers_are_passed_over() -> None:
    quality = np.array([[1.0, NAN], [NAN, 1.0], [0.0, 1.0]])
    panel = panel_of(("a", "b"), quality, np.tile([1.0, 4.0], (3, 1)))
    costs, qualities = single_models(panel)
    np.testing.assert_array_equal(costs, [1.0, 4.0])
    np.testing.assert_array_equal(qualities, [0.5, 1.0])
    # query 1 can only be had from b: the oracle begins at (1 + 4 + 1) / 3
    frontier = oracle_frontier(panel)
    np.testing.assert_allclose(frontier.cost_usd, [2.0, 3.0])
    np.testing.assert_allclose(frontier.quality, [2 / 3, 1.0])
    assert standing(panel, np.array([4.0]), np.array([1.0])).aiq_oracle > 0.0
