from __future__ import annotations

import numpy as np
import pytest

from metallm.core.protocols import View
from metallm.errors import UnknownArmError
from metallm.policies.linucb import LinUCBPolicy
from metallm.policies.simple import FixedPolicy, GreedyPolicy, RandomPolicy


def _view(reward: list[float], spread: list[float] | None = None) -> View:
    values = np.array([reward])
    return View(values, np.array([spread]) if spread else np.zeros_like(values), 0)


def test_greedy_shares_exact_ties() -> None:
    assert GreedyPolicy().probabilities(_view([1.0, 0.5, 1.0]), "abc").tolist() == [[0.5, 0, 0.5]]


def test_linucb_takes_the_arm_that_could_be_best() -> None:
    view = _view([0.5, 0.4], [0.0, 0.3])
    assert LinUCBPolicy(0.0).probabilities(view, "ab").tolist() == [[1.0, 0.0]]
    assert LinUCBPolicy(0.5).probabilities(view, "ab").tolist() == [[0.0, 1.0]]


def test_random_is_even_and_fixed_is_one() -> None:
    assert RandomPolicy().probabilities(_view([1.0, 0.0]), "ab").tolist() == [[0.5, 0.5]]
    assert FixedPolicy("b").probabilities(_view([1.0, 0.0]), "ab").tolist() == [[0.0, 1.0]]


def test_a_fixed_arm_that_may_not_be_chosen_is_an_error() -> None:
    with pytest.raises(UnknownArmError, match="'c'"):
        FixedPolicy("c").probabilities(_view([1.0, 0.0]), "ab")
