from __future__ import annotations

import numpy as np
import pytest

from metallm.learners.penalty import GRID, Spectrum, leave_one_out_penalty


def _spectrum(z: np.ndarray, y: np.ndarray) -> Spectrum:
    outcomes = y.reshape(len(y), -1)
    sums = z.sum(axis=0), outcomes.sum(axis=0), float(len(z))
    return Spectrum.of(z.T @ z, z.T @ outcomes, sums, z, outcomes)


def _left_out(z: np.ndarray, y: np.ndarray, penalty: float) -> list[float]:
    """Errors of each row under a fit, with a free bias, on all the others."""
    errors = []
    for row in range(len(y)):
        kept = np.arange(len(y)) != row
        x, t = z[kept], y[kept]
        mean, level = x.mean(axis=0), t.mean()
        centred = x - mean
        weights = np.linalg.solve(
            centred.T @ centred + penalty * np.eye(z.shape[1]), centred.T @ (t - level)
        )
        errors.append(float(y[row] - level - (z[row] - mean) @ weights))
    return errors


def _world() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(25, 4))
    return z, z @ [0.5, -0.2, 0.0, 0.1] + rng.normal(scale=0.3, size=25)


def test_the_errors_are_those_of_really_leaving_each_row_out() -> None:
    z, y = _world()
    spectrum = _spectrum(z, y)
    fast = spectrum.press(GRID)
    for place in (0, 5, 11):
        slow = _left_out(z, y, GRID[place])
        # the closed form centres once, on all rows: a few per mille at 25 rows
        assert fast[place] == pytest.approx(sum(error**2 for error in slow), rel=0.02)
        assert spectrum.left_out(GRID[place])[:, 0] == pytest.approx(slow, abs=0.02)


def test_several_arms_on_the_same_rows_cost_one_decomposition_and_sum_their_errors() -> None:
    z, y = _world()
    both = _spectrum(z, np.column_stack([y, 1.0 - y * y])).press(GRID)
    assert both == pytest.approx(
        _spectrum(z, y).press(GRID) + _spectrum(z, 1.0 - y * y).press(GRID)
    )


def test_some_of_the_rows_stand_for_all() -> None:
    z, y = _world()
    sums = z.sum(axis=0), np.array([y.sum()]), 25.0
    some = Spectrum.of(z.T @ z, (z.T @ y)[:, None], sums, z[:10], y[:10, None])
    whole = _spectrum(z, y)
    assert some.left_out(30.0) == pytest.approx(whole.left_out(30.0)[:10])
    expected = (whole.left_out(30.0)[:10] ** 2).sum() * 2.5
    assert some.press(np.array([30.0]))[0] == pytest.approx(expected)


def test_a_clear_signal_is_shrunk_little_and_noise_very_much() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 6))
    signal = z @ np.array([1.0, -1.0, 0.5, 0.0, 0.3, 0.2])
    assert leave_one_out_penalty([_spectrum(z, signal)]) == GRID[0]
    assert leave_one_out_penalty([_spectrum(z, rng.normal(size=400))]) == GRID[-1]


def test_without_data_it_shrinks() -> None:
    assert leave_one_out_penalty([]) == GRID[-1]
