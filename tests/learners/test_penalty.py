from __future__ import annotations

import numpy as np
import pytest

from metallm.learners.penalty import GRID, _press, leave_one_out_penalty


def _left_out(z: np.ndarray, y: np.ndarray, penalty: float) -> float:
    """Squared errors of each row under a fit, with a free bias, on all the others."""
    total = 0.0
    for row in range(len(y)):
        kept = np.arange(len(y)) != row
        x, t = z[kept], y[kept]
        mean, level = x.mean(axis=0), t.mean()
        centred = x - mean
        weights = np.linalg.solve(
            centred.T @ centred + penalty * np.eye(z.shape[1]), centred.T @ (t - level)
        )
        total += float(y[row] - level - (z[row] - mean) @ weights) ** 2
    return total


def test_the_errors_are_those_of_really_leaving_each_row_out() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(25, 4))
    y = z @ [0.5, -0.2, 0.0, 0.1] + rng.normal(scale=0.3, size=25)
    fast = _press(z, y, GRID)
    for place in (0, 5, 11):
        # the closed form centres once, on all rows: a few per mille at 25 rows
        assert fast[place] == pytest.approx(_left_out(z, y, GRID[place]), rel=0.02)


def test_a_clear_signal_is_shrunk_little_and_noise_very_much() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 6))
    signal = z @ np.array([1.0, -1.0, 0.5, 0.0, 0.3, 0.2])
    assert leave_one_out_penalty([(z, signal)]) == GRID[0]
    assert leave_one_out_penalty([(z, rng.normal(size=400))]) == GRID[-1]


def test_without_data_it_shrinks() -> None:
    assert leave_one_out_penalty([(np.zeros((0, 3)), np.zeros(0))]) == GRID[-1]
