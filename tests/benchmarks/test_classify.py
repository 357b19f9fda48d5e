from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import classify
from classifying import choice
from classifying.table import read_class_table
from metallm.sandbox.synthetic import synthetic_recordings

MODELS = {"sim/a": (0.9, 0.3, 1e-6), "sim/b": (0.3, 0.9, 2e-6), "sim/c": (0.8, 0.8, 1e-5)}
"""How often each is right about animals and about plants, and USD an answer."""


@pytest.fixture
def quiz(tmp_path: Path) -> Path:
    """A recorded multiple choice whose letters stand for other options in every question."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(60):
        truth = "ABCD"[int(rng.integers(4))]
        options = "\n".join(f"{letter}. thing {number} {letter.lower()}" for letter in "ABCD")
        kind = ("animal", "plant")[number % 2]
        for model, (animals, plants, cost_usd) in MODELS.items():
            right = plants if number % 2 else animals
            said = truth if rng.random() < right else "ABCD"["ABCD".index(truth) - 1]
            rows.append(
                {
                    "query_id": str(number),
                    "query": f"Which {kind} is number {number}?\n{options}",
                    "dataset": f"made/{kind}",
                    "reference": truth,
                    "model": model,
                    "response": said,
                    "score": float(said == truth),
                    "cost_usd": cost_usd,
                    "input_tokens": 30,
                    "output_tokens": 1,
                }
            )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "quiz.parquet")
    return tmp_path / "quiz.parquet"


def test_a_multiple_choice_is_told_from_a_classification(quiz: Path, tmp_path: Path) -> None:
    pq.write_table(synthetic_recordings(0, per_task=15), tmp_path / "plain.parquet")
    assert choice.is_choice(read_class_table(quiz))
    assert not choice.is_choice(read_class_table(tmp_path / "plain.parquet"))


def test_a_multiple_choice_gives_ratios_a_section_and_a_file_to_resume_from(
    quiz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "COST_WEIGHTS", (0.0, 0.1, 0.5))
    monkeypatch.setattr(choice, "STREAM_WEIGHTS", (0.1,))
    results, out, page = tmp_path / "r.jsonl", tmp_path / "out.json", tmp_path / "page.md"
    asked = [str(quiz), "--choice-shuffles", "2", "--results", str(results), "--json", str(out)]
    classify.main([*asked, "--markdown", str(page)])
    figures = json.loads(out.read_text())["figures"]
    assert figures["evidence_gap_ratio"] == pytest.approx(
        figures["choice_gap_2"] / figures["choice_gap_1"]
    )
    for name in ("evidence_gap_ratio", "evidence_gap_ratio_3"):
        assert figures[f"{name}_low"] <= figures[name] <= figures[f"{name}_high"]
    assert "| 3 | " in page.read_text()
    lines = results.read_text()
    assert len(lines.splitlines()) == 2 * 3 * 2
    classify.main(asked)
    assert results.read_text() == lines
    assert json.loads(out.read_text())["figures"] == figures
