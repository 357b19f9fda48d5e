from __future__ import annotations

import numpy as np
import pytest

from metallm.errors import InputError
from metallm.evaluation.ratios import ratio_interval


def test_a_constant_share_has_no_spread() -> None:
    whole = np.array([1.0, 2.0, 5.0])
    found = ratio_interval(0.25 * whole, whole)
    assert found.mean == pytest.approx(0.25)
    assert found.half_width == pytest.approx(0.0, abs=1e-12)


def test_a_repetition_without_a_gain_does_not_rule_the_share() -> None:
    found = ratio_interval(np.array([1.0, 1.0, 0.1]), np.array([1.0, 1.0, 1e-6]))
    assert found.mean == pytest.approx(1.05, abs=0.01)
    assert found.low < found.mean < found.high


def test_the_interval_covers_the_true_share_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        whole = rng.normal(2.0, 0.3, 10)
        found = ratio_interval(0.8 * whole + rng.normal(0, 0.1, 10), whole)
        covered += found.low <= 0.8 <= found.high
    assert 0.9 < covered / 400 < 0.99


def test_one_repetition_has_a_share_and_no_interval() -> None:
    found = ratio_interval(np.array([1.0]), np.array([2.0]))
    assert found.mean == 0.5
    assert np.isnan(found.low)


@pytest.mark.parametrize(
    ("part", "whole"),
    [([], []), ([1.0], [1.0, 2.0]), ([np.nan], [1.0]), ([1.0, 1.0], [1.0, -1.0])],
)
def test_what_is_no_ratio_is_refused(part: list[float], whole: list[float]) -> None:
    with pytest.raises(InputError, match="a ratio needs"):
        ratio_interval(np.array(part), np.array(whole))
