from __future__ import annotations

import numpy as np
import pytest

from metallm.core.arrays import FloatArray
from metallm.errors import InputError
from metallm.evaluation.panel import panel_of

NAN = float("nan")


def test_a_full_recording_is_kept_as_it_is() -> None:
    quality, cost = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 6.0]])
    panel = panel_of(("a", "b"), quality, cost)
    assert panel.models == ("a", "b")
    assert panel.left_out == ()
    np.testing.assert_array_equal(panel.rows, [0, 1])
    np.testing.assert_array_equal(panel.quality, quality)
    np.testing.assert_array_equal(panel.cost_usd, cost)
    assert panel.cost_scale == 4.0


def test_models_without_any_cost_are_left_out_and_named() -> None:
    quality = np.ones((2, 3))
    cost = np.array([[1.0, NAN, 2.0], [1.0, NAN, 2.0]])
    panel = panel_of(("a", "b", "c"), quality, cost)
    assert panel.models == ("a", "c")
    assert panel.left_out == ("b",)


def test_rows_that_no_model_answered_are_dropped() -> None:
    quality = np.array([[NAN, NAN], [1.0, NAN], [NAN, 0.0]])
    panel = panel_of(("a", "b"), quality, np.ones((3, 2)))
    np.testing.assert_array_equal(panel.rows, [1, 2])
    np.testing.assert_array_equal(panel.known, [[True, False], [False, True]])
    # a cost without an answer says nothing
    np.testing.assert_array_equal(np.isnan(panel.cost_usd), ~panel.known)


def test_a_row_answered_only_by_a_model_left_out_is_dropped() -> None:
    quality = np.array([[NAN, 1.0], [1.0, 1.0]])
    panel = panel_of(("a", "b"), quality, np.array([[NAN, NAN], [1.0, NAN]]))
    np.testing.assert_array_equal(panel.rows, [1])


def test_an_answer_without_a_cost_is_billed_the_models_mean() -> None:
    panel = panel_of(("a",), np.ones((3, 1)), np.array([[1.0], [NAN], [4.0]]))
    np.testing.assert_array_equal(panel.cost_usd[:, 0], [1.0, 2.5, 4.0])


def test_the_reward_is_quality_minus_the_weighted_scaled_cost() -> None:
    panel = panel_of(("a", "b"), np.array([[1.0, 0.5]]), np.array([[1.0, 4.0]]))
    np.testing.assert_allclose(panel.reward(0.2), [[1.0 - 0.2 / 4, 0.5 - 0.2]])
    np.testing.assert_allclose(panel.reward(0.2, 8.0), [[1.0 - 0.2 / 8, 0.5 - 0.1]])


def test_where_all_is_free_the_reward_is_the_quality() -> None:
    panel = panel_of(("a",), np.array([[0.5]]), np.array([[0.0]]))
    np.testing.assert_array_equal(panel.reward(1.0), [[0.5]])


def test_taking_rows_keeps_their_places_in_the_recordings() -> None:
    quality = np.array([[NAN], [0.1], [0.2], [0.3]])
    part = panel_of(("a",), quality, np.ones((4, 1))).take(np.array([2, 0]))
    np.testing.assert_array_equal(part.rows, [3, 1])
    np.testing.assert_array_equal(part.quality[:, 0], [0.3, 0.1])


def test_taking_rows_that_a_model_never_answered_is_refused() -> None:
    quality = np.array([[1.0, NAN], [1.0, 1.0]])
    panel = panel_of(("a", "b"), quality, np.ones((2, 2)))
    with pytest.raises(InputError, match="no outcome of: b"):
        panel.take(np.array([0]))
    with pytest.raises(InputError, match="no outcome of: a, b"):
        panel.take(np.array([], dtype=np.intp))


@pytest.mark.parametrize(
    ("quality", "cost"),
    [
        (np.full((2, 2), NAN), np.ones((2, 2))),
        (np.ones((2, 2)), np.full((2, 2), NAN)),
        (np.ones((2, 2)), np.ones((2, 3))),
        (np.ones((2, 3)), np.ones((2, 3))),
        (np.ones(2), np.ones(2)),
    ],
)
def test_what_cannot_be_evaluated_is_refused(quality: FloatArray, cost: FloatArray) -> None:
    with pytest.raises(InputError):
        panel_of(("a", "b"), quality, cost)
