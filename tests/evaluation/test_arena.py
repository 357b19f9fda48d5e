from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.errors import InputError
from metallm.evaluation.arena import arena_score


def test_the_formula_is_the_published_one() -> None:
    # A = .6689 at $.15 per 1,000 queries: the leaderboard's 66.89, by hand
    c = (7.643856189774724 - -2.736965594166206) / (7.643856189774724 - -7.828280762)
    assert arena_score(0.6688, 0.15 / 1000) == pytest.approx(
        1.1 * 0.6688 * c / (0.1 * 0.6688 + c), rel=1e-6
    )
    assert arena_score(0.6688, 0.15 / 1000) == pytest.approx(0.6689, abs=2e-4)


def test_costs_beyond_the_bounds_count_as_the_bounds() -> None:
    assert arena_score(0.7, 0.0) == arena_score(0.7, 0.0044 / 1000) < 1.0
    assert arena_score(0.7, 0.2) == arena_score(0.7, 5.0) == 0.0
    assert arena_score(0.0, 0.001) == 0.0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_accuracy_or_less_cost_never_scores_less(
    a: float, b: float, cost: float, dearer: float
) -> None:
    low, high = sorted((a, b))
    cheap, dear = sorted((cost, dearer))
    assert arena_score(low, dear) <= arena_score(high, cheap) + 1e-12


@pytest.mark.parametrize(("accuracy", "cost"), [(1.1, 0.0), (-0.1, 0.0), (0.5, -1.0)])
def test_what_is_out_of_range_is_refused(accuracy: float, cost: float) -> None:
    with pytest.raises(InputError, match="no arena score"):
        arena_score(accuracy, cost)
