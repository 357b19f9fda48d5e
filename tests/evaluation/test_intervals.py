from __future__ import annotations

import math

import numpy as np
import pytest

from metallm.core.arrays import FloatArray
from metallm.errors import InputError
from metallm.evaluation.intervals import (
    mean_interval,
    paired_difference,
    student_t_quantile,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("degrees", "printed"),
    # the column for .975 of any printed table of Student's distribution
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (10, 2.228),
     (19, 2.093), (29, 2.045), (30, 2.042), (60, 2.000), (120, 1.980)],
)  # fmt: skip
def test_quantiles_agree_with_the_printed_table(degrees: int, printed: float) -> None:
    assert student_t_quantile(0.975, degrees) == pytest.approx(printed, abs=6e-4)


def test_quantiles_have_their_closed_forms_for_one_and_two_degrees() -> None:
    for probability in (0.5, 0.6, 0.9, 0.975, 0.995):
        cauchy = math.tan(math.pi * (probability - 0.5))
        two = (2 * probability - 1) * math.sqrt(2 / (4 * probability * (1 - probability)))
        assert student_t_quantile(probability, 1) == pytest.approx(cauchy, abs=1e-9)
        assert student_t_quantile(probability, 2) == pytest.approx(two, abs=1e-9)


@pytest.mark.parametrize(("probability", "degrees"), [(0.4, 5), (1.0, 5), (0.9, 0)])
def test_quantiles_outside_their_range_are_refused(probability: float, degrees: int) -> None:
    with pytest.raises(InputError):
        student_t_quantile(probability, degrees)


def test_the_interval_of_a_mean_is_worked_out_by_hand() -> None:
    found = mean_interval([1.0, 2.0, 3.0])
    # standard error 1/√3, t(2) = 4.3027
    assert found.mean == 2.0
    assert found.half_width == pytest.approx(4.302653 / math.sqrt(3), abs=1e-5)
    assert found.low == pytest.approx(2.0 - found.half_width)
    assert found.n == 3


def test_a_single_value_tells_no_spread() -> None:
    found = mean_interval([0.7])
    assert found.mean == 0.7
    assert math.isnan(found.half_width)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_a_mean_of_nothing_or_of_what_is_not_finite_is_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match="finite"):
        mean_interval(values)


def test_about_95_of_100_intervals_hold_the_true_mean() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(2000):
        found = mean_interval(rng.normal(5.0, 2.0, 5))
        held += found.low <= 5.0 <= found.high
    # standard error of the share: √(.95 · .05 / 2000) = .005
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_paired_difference_sees_through_what_both_share() -> None:
    rng = np.random.default_rng(1)
    difficulty = rng.normal(0.0, 10.0, 400)
    first, second = difficulty + 0.5 + rng.normal(0, 1, 400), difficulty
    found = paired_difference(first, second, np.random.default_rng(2))
    assert found.mean == pytest.approx((first - second).mean())
    assert 0.0 < found.low < found.mean < found.high
    # 1.96 standard errors of .05
    assert found.half_width == pytest.approx(0.098, abs=0.015)


def test_a_constant_difference_has_no_spread() -> None:
    first = np.arange(10.0)
    found = paired_difference(first + 1.0, first, np.random.default_rng(0))
    assert (found.low, found.mean, found.high) == (1.0, 1.0, 1.0)


def test_a_bootstrap_repeats_with_the_same_generator() -> None:
    first, second = np.arange(20.0), np.zeros(20)
    once, again = (paired_difference(first, second, np.random.default_rng(4)) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.ones(3), np.ones(2)),
        (np.ones(0), np.ones(0)),
        (np.ones((2, 2)), np.ones((2, 2))),
        (np.array([np.nan]), np.ones(1)),
    ],
)
def test_what_makes_no_pairs_is_refused(first: FloatArray, second: FloatArray) -> None:
    with pytest.raises(InputError, match="pair"):
        paired_difference(first, second, np.random.default_rng(0))


def test_the_wilson_interval_agrees_with_known_values() -> None:
    found = wilson_interval(8, 10)
    assert [found.low, found.high] == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert found.mean == 0.8


def test_the_wilson_interval_stays_within_its_bounds_and_mirrors() -> None:
    none, all_ = wilson_interval(0, 10), wilson_interval(10, 10)
    assert none.low == pytest.approx(0.0, abs=1e-12)
    assert none.high == pytest.approx(0.2775, abs=1e-4)
    assert all_.low == pytest.approx(1.0 - none.high)
    assert all_.high == pytest.approx(1.0)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_what_is_no_accuracy_is_refused(successes: int, n: int) -> None:
    with pytest.raises(InputError, match="no accuracy"):
        wilson_interval(successes, n)
