from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.policies.normal import REACH, phi


@given(st.lists(st.floats(-40, 40), min_size=1, max_size=20))
def test_the_table_gives_what_the_error_function_gives(x: list[float]) -> None:
    exact = [0.5 * math.erfc(-each / math.sqrt(2.0)) for each in x]
    assert phi(np.array(x)) == pytest.approx(exact, abs=1e-14)


def test_beyond_its_reach_nothing_and_everything_is_below() -> None:
    ends = phi(np.array([[-np.inf, -REACH, REACH, np.inf]]))
    assert ends == pytest.approx(np.array([[0.0, 0.0, 1.0, 1.0]]), abs=1e-15)
