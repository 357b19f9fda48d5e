from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from metallm.errors import TableError
from metallm.evaluation.prompts import PromptSet, read_prompts
from metallm.sandbox.synthetic import LABELS, items, synthetic_recordings


def read(tmp_path: Path, *rows: dict[str, Any]) -> PromptSet:
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_prompts(path)


def asked(count: int, **columns: Any) -> list[dict[str, Any]]:
    """Rows with different queries and references A, B, A, ..."""
    return [
        {"query": f"query {number}", "reference": "AB"[number % 2], **columns}
        for number in range(count)
    ]


def test_recorded_outcomes_give_each_query_once_with_the_labels_of_its_data_set(
    tmp_path: Path,
) -> None:
    path = tmp_path / "recorded.parquet"
    pq.write_table(synthetic_recordings(0, 20), path)
    found = read_prompts(path)
    truths = {item.text: (item.task, item.label) for item in items(0, 20)}
    assert {prompt.text: (prompt.task, prompt.truth) for prompt in found.prompts} == truths
    for prompt in found.prompts:
        assert prompt.task is not None
        assert prompt.labels == LABELS[prompt.task]
        assert prompt.text in prompt.sent
    assert (found.unknown, found.unscorable) == (0, 0)


def test_capital_letters_are_options_and_read_as_such(tmp_path: Path) -> None:
    found = read(tmp_path, *asked(3), {"query": "last", "reference": "D"})
    assert {prompt.labels for prompt in found.prompts} == {("A", "B", "C", "D")}
    read_letter = found.prompts[0].reader()
    assert read_letter("The answer is (C).") == "C"
    assert read_letter("A good question.") is None


def test_few_labels_are_a_classification_whatever_their_case(tmp_path: Path) -> None:
    references = ["Yes", "no", "yes", "No", "YES", "no"]
    rows = [{"query": f"q{i}", "reference": each} for i, each in enumerate(references)]
    found = read(tmp_path, *rows)
    assert {prompt.labels for prompt in found.prompts} == {("Yes", "no")}
    assert [prompt.truth for prompt in found.prompts] == ["Yes", "no"] * 3
    assert found.prompts[0].reader()("I would say yes.") == "Yes"


def test_what_cannot_be_scored_is_left_out_and_counted(tmp_path: Path) -> None:
    free: list[dict[str, Any]] = [
        {"query": f"sum {i}", "reference": f"{7 * i} apples", "dataset": "sums"} for i in range(9)
    ]
    missing: list[dict[str, Any]] = [
        {"query": "unknown", "reference": None},
        {"query": "empty", "reference": " "},
    ]
    found = read(tmp_path, *asked(4, dataset="choice"), *free, *missing)
    assert {prompt.task for prompt in found.prompts} == {"choice"}
    assert (found.unknown, found.unscorable) == (2, 9)


def test_among_letters_a_reference_of_another_kind_is_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, *asked(4), {"query": "odd", "reference": "3"})
    assert len(found.prompts) == 4
    assert found.unscorable == 1


def test_the_question_is_embedded_and_the_query_is_sent(tmp_path: Path) -> None:
    rows = asked(4)
    rows[0] |= {"question": "bare"}
    found = read(tmp_path, *rows)
    assert (found.prompts[0].text, found.prompts[0].sent) == ("bare", "query 0")
    assert found.prompts[1].text == found.prompts[1].sent == "query 1"


def test_empty_queries_are_passed_over(tmp_path: Path) -> None:
    assert len(read(tmp_path, *asked(4), {"query": " ", "reference": "A"}).prompts) == 4


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"query": "q", "answer": "A"}], "lacks the column reference"),
        ([{"query": "q", "reference": None}], "1 of its queries have no reference"),
        ([{"query": f"q{i}", "reference": f"text {i}"} for i in range(9)], "no prompt that can"),
        ([{"query": f"q{i}", "reference": "same"} for i in range(9)], "no prompt that can"),
    ],
)
def test_a_table_without_anything_to_score_is_refused(
    tmp_path: Path, rows: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(TableError, match=told):
        read(tmp_path, *rows)
