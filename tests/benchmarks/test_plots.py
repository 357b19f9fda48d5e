from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from routing.labels import LETTER, LINE, spread_out


def test_names_with_room_are_shown_and_of_two_that_would_overlap_the_higher() -> None:
    names = ["low", "lower twin", "high twin"]
    x, y = np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.98, 1.0])
    assert spread_out(names, x, y) == ["low", "", "high twin"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_no_two_names_that_are_shown_overlap(points: list[tuple[float, float]]) -> None:
    x, y = np.array(points).T
    x, y = np.append(x, [0.0, 1.0]), np.append(y, [0.0, 1.0])  # the plot is the unit square
    names = [f"model {number}" for number in range(len(x))]
    shown = [place for place, name in enumerate(spread_out(names, x, y)) if name]
    assert shown
    for first in shown:
        for second in shown:
            wide = LETTER * (len(names[first]) + len(names[second])) / 2.0
            apart = abs(x[first] - x[second]) > wide or abs(y[first] - y[second]) > LINE
            assert first == second or apart
