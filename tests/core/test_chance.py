from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.chance import draw, uniform


def test_draws_are_uniform_and_repeat_for_the_same_seed_and_index() -> None:
    drawn = np.array([uniform(7, index) for index in range(20_000)])
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    counts, _ = np.histogram(drawn, bins=20, range=(0.0, 1.0))
    # chi-square with 19 degrees of freedom: 43.8 is the .999 quantile
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8
    assert uniform(7, 5) == uniform(7, 5)
    assert uniform(7, 5) != uniform(8, 5)
    assert uniform(-1, 5) == uniform(-1, 5)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20).filter(lambda p: sum(p) > 0.01),
    st.floats(0, 1, exclude_max=True),
)
def test_an_arm_of_probability_zero_is_never_drawn(weights: list[float], u: float) -> None:
    probabilities = np.array(weights) / sum(weights)
    assert probabilities[draw(probabilities, u)] > 0.0


def test_each_arm_is_drawn_on_its_own_stretch() -> None:
    probabilities = np.array([0.25, 0.0, 0.5, 0.25])
    assert [draw(probabilities, u) for u in (0.0, 0.24, 0.25, 0.74, 0.75, 0.9999)] == [
        0, 0, 2, 2, 3, 3,
    ]  # fmt: skip
