from __future__ import annotations

import numpy as np
import pytest

from metallm.learners.basis import Basis


def test_directions_are_those_of_the_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    contexts = (rng.normal(size=(200, 6)) * [5, 4, 3, 2, 1, 0.5] + 3.0).astype(np.float32)
    basis = Basis.of(contexts, 3)
    centred = contexts - contexts.mean(axis=0)
    _, _, rows = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    assert np.abs(basis.directions.T @ rows[:3].T) == pytest.approx(np.eye(3), abs=1e-3)
    z = basis.project(contexts)
    assert z[:, 0] == pytest.approx(np.ones(200))
    assert z[:, 1:].mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-4)


def test_a_blank_basis_is_the_bias_alone() -> None:
    basis = Basis.blank(4)
    assert basis.dim == 1
    assert basis.project(np.ones((3, 4), dtype=np.float32)).tolist() == [[1.0], [1.0], [1.0]]
