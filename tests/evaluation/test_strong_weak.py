from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metallm.errors import InputError
from metallm.evaluation.strong_weak import call_curve


def test_a_router_that_knows_sends_only_what_the_weak_model_fails() -> None:
    strong = np.array([1.0, 1.0, 1.0, 1.0])
    weak = np.array([1.0, 0.0, 1.0, 0.0])
    curve = call_curve(strong, weak, need=strong - weak)
    assert curve is not None
    np.testing.assert_allclose(curve.recovered, [0, 0.5, 1, 1, 1])
    assert curve.apgr == pytest.approx((0.25 + 0.75 + 1 + 1) / 4)
    assert (curve.cpt(0.5), curve.cpt(1.0)) == (0.25, 0.5)


def test_a_router_that_has_it_upside_down_needs_nearly_all_calls() -> None:
    weak = np.array([1.0, 0.0, 1.0, 0.0])
    curve = call_curve(np.ones(4), weak, need=weak)
    assert curve is not None
    assert curve.cpt(0.5) == 0.75


def test_random_rankings_recover_half_the_gap_on_average() -> None:
    rng = np.random.default_rng(0)
    strong, weak = rng.uniform(size=200) < 0.8, rng.uniform(size=200) < 0.5
    curves = [
        call_curve(strong.astype(float), weak.astype(float), rng.uniform(size=200))
        for _ in range(300)
    ]
    assert np.mean([curve.apgr for curve in curves if curve]) == pytest.approx(0.5, abs=0.02)


def test_without_a_gap_there_is_no_curve() -> None:
    assert call_curve(np.zeros(3), np.ones(3), np.zeros(3)) is None


@given(arrays(float, 12, elements=st.floats(0, 1)), arrays(float, 12, elements=st.floats(-1, 1)))
def test_the_curve_begins_at_nothing_and_ends_at_all(
    weak: np.ndarray[tuple[int], np.dtype[np.float64]],
    need: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    curve = call_curve(np.full(12, 1.5), weak, need)
    assert curve is not None
    assert curve.recovered[0] == 0.0
    assert curve.recovered[-1] == pytest.approx(1.0)
    assert 0.0 < curve.cpt(0.2) <= curve.cpt(1.0) <= 1.0
    # where the strong model is always better, no share loses
    assert 0.0 <= curve.apgr <= 1.0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="three equally long rows"):
        call_curve(np.ones(3), np.ones(2), np.ones(3))
    with pytest.raises(InputError, match="finite"):
        call_curve(np.array([np.nan]), np.ones(1), np.ones(1))
    curve = call_curve(np.ones(2), np.zeros(2), np.zeros(2))
    assert curve is not None
    with pytest.raises(InputError, match="share of the gap"):
        curve.cpt(0.0)
