from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from metallm.errors import TableError, UnknownArmError
from metallm.tables.recordings import LABEL_ROWS, LEAST_PROPENSITY, Recordings

ROWS: dict[str, list[Any]] = {
    "query_id": ["q2", "q2", "q1", "q1", "q3"],
    "dataset": ["d", "d", "e", "e", None],
    "split": ["train", "train", "test", "test", None],
    "query": ["Say: two", "Say: two", "Say: one", "Say: one", "Say: three"],
    "question": ["two", "two", None, None, "three"],
    "reference": ["2", "2", "1", "1", None],
    "model": ["b", "a", "a", "b", "b"],
    "response": ["2", "22", None, "1", ""],
    "score": [1.0, 0.0, None, 0.5, 0.25],
    "cost_usd": [0.2, 0.1, 0.1, None, 0.4],
    "input_tokens": [4, 4, 3, 3, 5],
    "output_tokens": [1, 2, 3, 4, None],
}


def rows(**changed: Any) -> pa.Table:
    kept = {name: values for name, values in {**ROWS, **changed}.items() if values is not None}
    return pa.table(kept)


def test_rows_become_matrices_with_queries_in_first_seen_order_and_models_sorted() -> None:
    recordings = Recordings.read(rows())
    assert len(recordings) == 3
    assert recordings.query_ids == ("q2", "q1", "q3")
    assert recordings.models == ("a", "b")
    assert recordings.datasets == ("d", "e", "")
    assert recordings.splits == ("train", "test", "")
    assert recordings.queries == ("Say: two", "Say: one", "Say: three")
    assert recordings.texts == ("two", "Say: one", "three")
    assert recordings.references == ("2", "1", None)
    nan = np.nan
    np.testing.assert_array_equal(recordings.score, [[0.0, 1.0], [nan, 0.5], [nan, 0.25]])
    np.testing.assert_array_equal(recordings.cost_usd, [[0.1, 0.2], [0.1, nan], [nan, 0.4]])
    np.testing.assert_array_equal(recordings.input_tokens, [[4, 4], [3, 3], [nan, 5]])
    np.testing.assert_array_equal(recordings.output_tokens, [[2, 1], [3, 4], [nan, nan]])
    assert recordings.responses.tolist() == [["22", "2"], [None, "1"], [None, ""]]
    assert recordings.score.dtype == np.float64


def test_references_that_queries_of_a_data_set_share_are_labels() -> None:
    table = pa.table(
        {
            "query": [f"q{row}" for row in range(10)],
            "dataset": ["d"] * 5 + ["e"] * 5,
            "reference": ["Yes"] * LABEL_ROWS + ["No"] + ["Yes", "a long answer", None, "x", "y"],
            "model": ["m"] * 10,
            "score": [1.0] * 10,
        }
    )
    found = Recordings.read(table).labels()
    assert found == ("Yes",) * LABEL_ROWS + ("", "", "", None, "", "")


def test_query_model_and_score_are_enough() -> None:
    recordings = Recordings.read(
        pa.table({"query": ["x", "y"], "model": ["m", "m"], "score": [1, 0]})
    )
    assert recordings.query_ids == recordings.texts == recordings.queries == ("x", "y")
    assert recordings.datasets == recordings.splits == ("", "")
    assert recordings.references == (None, None)
    assert np.isnan(recordings.cost_usd).all()
    assert recordings.responses.tolist() == [[None], [None]]


def test_a_path_a_data_frame_and_a_table_read_the_same(tmp_path: Path) -> None:
    frame = rows().to_pandas()
    path = tmp_path / "recorded.csv"
    frame.to_csv(path, index=False)
    expected = Recordings.read(rows(response=None))
    for source in (path, str(path), frame):
        read = Recordings.read(source)
        assert read.query_ids == expected.query_ids
        assert read.texts == expected.texts
        assert read.references[:2] == expected.references[:2]
        np.testing.assert_array_equal(read.score, expected.score)
        np.testing.assert_array_equal(read.output_tokens, expected.output_tokens)


def test_judgements_may_be_truth_values_and_ids_numbers() -> None:
    recordings = Recordings.read(
        rows(score=[True, False, None, True, True], query_id=[2, 2, 1, 1, 3])
    )
    assert recordings.query_ids == ("2", "1", "3")
    assert recordings.score[0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"score": None}, "the table lacks the column score; it has: query_id, dataset"),
        ({"score": [1, 0, 0, 1.5, 0]}, r"score is 1\.5 in row 4: a score lies between 0 and 1"),
        ({"score": [1, 0, 0, float("inf"), 0]}, "score is inf in row 4"),
        ({"score": ["1", "0", "0", "1", "0"]}, "column score must hold numbers, not string"),
        ({"cost_usd": [0, 0, -1e-6, 0, 0]}, r"cost_usd is -1e-06 in row 3: .* 0 or more"),
        ({"cost_usd": [0, 0, float("inf"), 0, 0]}, "cost_usd is inf in row 3: it must be finite"),
        ({"input_tokens": [1, -2, 1, 1, 1]}, "input_tokens is -2 in row 2"),
        ({"model": ["b", "a", None, "b", "b"]}, "model is empty in row 3"),
        ({"query": [None] * 5}, "query is empty in row 1"),
        ({"query_id": ["q2", None, "q1", "q1", "q3"]}, "query_id is empty in row 2"),
        ({"query": [["x"]] * 5}, "column query must hold text, not list"),
        ({"model": ["b", "a", "a", "a", "b"]}, "row 4 repeats row 3: the same query and model"),
        (
            {"query": ["Say: two", "other", "Say: one", "Say: one", "Say: three"]},
            "row 2 has another text for query_id 'q2' than row 1",
        ),
    ],
)
def test_a_wrong_table_is_told_with_column_and_row(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(TableError, match=told):
        Recordings.read(rows(**changed))


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(TableError, match="the table has no rows"):
        Recordings.read(rows().slice(0, 0))


def test_a_data_frame_of_mixed_values_is_refused() -> None:
    frame = pd.DataFrame({"query": ["x", "y"], "model": "m", "score": [1, "wrong"]})
    with pytest.raises(TableError, match="mixes kinds of values"):
        Recordings.read(frame)


def test_anything_else_is_refused_by_its_type() -> None:
    with pytest.raises(TableError, match="not from list"):
        Recordings.read([{"query": "x"}])


def test_a_subset_keeps_the_given_queries_in_the_given_order() -> None:
    part = Recordings.read(rows()).subset([2, 0])
    assert part.query_ids == ("q3", "q2")
    assert part.texts == ("three", "two")
    assert part.references == (None, "2")
    np.testing.assert_array_equal(part.score, [[np.nan, 0.25], [0.0, 1.0]])
    assert part.responses.tolist() == [[None, ""], ["22", "2"]]


def test_with_arms_keeps_the_given_models_in_the_given_order() -> None:
    recordings = Recordings.read(rows())
    swapped = recordings.with_arms(["b", "a", "b"])
    assert swapped.models == ("b", "a")
    np.testing.assert_array_equal(swapped.score, recordings.score[:, ::-1])
    assert recordings.with_arms(["b"]).responses.tolist() == [["2"], ["1"], [""]]
    with pytest.raises(UnknownArmError, match="no arm is called 'c'; the arms are: a, b"):
        recordings.with_arms(["c"])


def test_a_hundred_and_seventy_thousand_rows_are_read_quickly() -> None:
    queries, models = 6_000, 29
    table = pa.table(
        {
            "query": np.repeat([f"question {i} " + "x" * 500 for i in range(queries)], models),
            "model": np.tile([f"model-{i}" for i in range(models)], queries),
            "score": np.zeros(queries * models),
        }
    )
    start = time.process_time()
    recordings = Recordings.read(table)
    assert recordings.score.shape == (queries, models)
    assert time.process_time() - start < 5.0  # .5 s here; a loop over rows takes far longer


@pytest.mark.shared
def test_the_recorded_outcomes_have_the_accuracies_that_their_readme_tells(
    shared_data: Path,
) -> None:
    recordings = Recordings.read(shared_data / "overruling.parquet")
    assert recordings.score.shape == (1083, 12)
    assert round(float(recordings.score.mean(axis=0).max()), 3) == 0.947
    assert round(float(recordings.score.max(axis=1).mean()), 3) == 0.999


def test_a_log_of_choices_counts_rare_ones_more_and_all_as_many_as_there_are() -> None:
    table = pa.table(
        {
            "query": ["q1", "q2", "q3", "q1"],
            "model": ["a", "a", "a", "b"],
            "score": [1.0, 0.0, 1.0, 0.5],
            "propensity": [0.5, 0.25, 0.01, None],
        }
    )
    weights = Recordings.read(table).weights()
    assert weights is not None
    inverse = np.array([2.0, 4.0, 1.0 / LEAST_PROPENSITY])
    assert weights[:, 0] == pytest.approx(3.0 * inverse / inverse.sum())
    assert weights[0, 1] == 1.0
    assert Recordings.read(rows()).weights() is None


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.5])
def test_a_propensity_is_a_probability_above_0(wrong: float) -> None:
    table = pa.table({"query": ["q"], "model": ["a"], "score": [1.0], "propensity": [wrong]})
    with pytest.raises(TableError, match="propensity"):
        Recordings.read(table)
