from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routing.nested import choose

FILES = ["x", "y", "z"]


def test_a_file_gets_what_is_best_for_the_others() -> None:
    scores = {"a": {"x": 9.0, "y": 0.0, "z": 0.0}, "b": {"x": 0.0, "y": 1.0, "z": 1.0}}
    assert choose(["a", "b"], FILES, scores).given == {"x": "b", "y": "a", "z": "a"}


def test_a_lead_within_its_standard_error_is_no_reason_to_leave_the_default() -> None:
    files = ["w", "x", "y", "z"]
    near = {"a": dict.fromkeys(files, 0.0), "b": {"w": 0.0, "x": 0.5, "y": -0.4, "z": 0.1}}
    assert choose(["a", "b"], files, near).given["w"] == "a"
    clear = {"a": dict.fromkeys(files, 0.0), "b": {"w": 0.0, "x": 0.5, "y": 0.4, "z": 0.3}}
    assert choose(["a", "b"], files, clear).given["w"] == "b"


def test_without_other_files_the_first_setting_is_given() -> None:
    assert choose(["a", "b"], ["x"], {"a": {"x": 0.0}, "b": {"x": 9.0}}).given == {"x": "a"}


@given(st.floats(-1, 1), st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_a_files_own_score_never_sways_its_choice(own: float, values: list[float]) -> None:
    scores = {
        "a": dict(zip(FILES, values[:3], strict=True)),
        "b": dict(zip(FILES, values[3:], strict=True)),
    }
    before = choose(["a", "b"], FILES, scores).given["x"]
    scores["a"]["x"] = own
    assert choose(["a", "b"], FILES, scores).given["x"] == before
