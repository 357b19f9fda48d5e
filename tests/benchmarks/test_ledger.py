from __future__ import annotations

import json
from pathlib import Path

from routing.ledger import Job, Ledger, key

JOB = Job("file", "cold", "method", "setting", 3, 0.1)


def test_a_result_is_found_again_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    Ledger(path).put(key(JOB, "f", "m", "e"), JOB, {"lead": 1.5})
    again = Ledger(path)
    assert again.get(key(JOB, "f", "m", "e")) == {"lead": 1.5}
    assert json.loads(path.read_text())["cost_weight"] == 0.1


def test_other_data_contexts_or_meanings_of_a_setting_are_other_results() -> None:
    asked = [("f", "m", "e"), ("g", "m", "e"), ("f", "n", "e"), ("f", "m", "other")]
    keys = {key(JOB, *each) for each in asked}
    assert len(keys) == 4


def test_an_interrupt_loses_the_torn_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    ledger = Ledger(path)
    ledger.put("one", JOB, {"lead": 1.0})
    ledger.put("two", JOB, {"lead": 2.0})
    path.write_text(path.read_text()[:-9])
    again = Ledger(path)
    assert (again.get("one"), again.get("two")) == ({"lead": 1.0}, None)
    again.put("two", JOB, {"lead": 2.0})
    assert Ledger(path).get("two") == {"lead": 2.0}
