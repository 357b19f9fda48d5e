from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.errors import InputError
from metallm.evaluation.budgets import COST_WEIGHTS, Point, meets, tune

POINTS = st.dictionaries(
    st.sampled_from(COST_WEIGHTS),
    st.builds(Point, st.floats(0, 10), st.floats(0, 1)),
    min_size=1,
)


def test_the_best_p_within_the_budget_is_taken() -> None:
    points = {0.0: Point(5.0, 0.9), 0.5: Point(3.0, 0.8), 1.0: Point(2.0, 0.85), 2.0: Point(1.0, 0)}
    assert tune(points, 3.0).cost_weight == 1.0
    assert tune(points, 5.0) == tune(points, 99.0)
    assert tune(points, 5.0).cost_weight == 0.0
    assert tune(points, 1.0).point == Point(1.0, 0)


def test_of_equally_good_ones_the_cheaper_is_taken() -> None:
    assert tune({0.0: Point(2.0, 0.5), 1.0: Point(1.0, 0.5)}, 2.0).cost_weight == 1.0


def test_where_every_p_overspends_the_cheapest_is_taken_and_marked() -> None:
    found = tune({0.0: Point(5.0, 0.9), 1.0: Point(3.0, 0.2), 2.0: Point(4.0, 0.8)}, 1.0)
    assert (found.cost_weight, found.met) == (1.0, False)


@given(POINTS, st.floats(0, 10))
def test_no_p_within_the_budget_beats_the_one_taken(
    points: dict[float, Point], budget: float
) -> None:
    found = tune(points, budget)
    within = [point for point in points.values() if meets(point.cost_usd, budget)]
    assert found.met == bool(within)
    assert found.point == points[found.cost_weight]
    if within:
        assert meets(found.point.cost_usd, budget)
        assert found.point.quality == max(point.quality for point in within)
    else:
        assert found.point.cost_usd == min(point.cost_usd for point in points.values())


def test_a_budget_met_up_to_rounding_is_met() -> None:
    assert meets(0.1 + 0.2, 0.3)
    assert not meets(0.3001, 0.3)
    assert meets(0.0, 0.0)


def test_nothing_to_choose_from_is_an_error() -> None:
    with pytest.raises(InputError, match="one cost weight or more"):
        tune({}, 1.0)
