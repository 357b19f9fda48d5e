"""The example of the guide to the paper's experiment says what comes out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from metallm.cli.main import app

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "paper.md"


def test_the_example_comes_out_as_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, "paper.md", "exec"), {})  # noqa: S102 - our own page
    (command,) = re.findall(r"```console\n\$ metallm (.*?)\n```", text, re.DOTALL)
    done = CliRunner().invoke(app, [*command.split(), "--json", "-"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)  # a dash: JSON, and nothing else
    assert told["figures"]["seeds"] == [0, 1]
    singles = {each["model"]: each for each in told["singles"]}
    assert singles["cheap"]["cost_per_10k_usd"]["mean"] == pytest.approx(1.0)
    assert singles["dear"]["cost_per_10k_usd"]["mean"] == pytest.approx(10.0)
    assert singles["dear"]["accuracy"]["mean"] == 1.0
    rows = {(row["mode"], row["router"], row["budget"]): row for row in told["rows"]}
    for mode in ("offline", "hybrid"):
        dear, cheap = (rows[mode, "squarecb", budget] for budget in ("dear", "cheap"))
        assert dear["accuracy"]["mean"] >= 0.95
        assert 4.0 < dear["cost_per_10k_usd"]["mean"] < 8.0
        assert cheap["cost_per_10k_usd"]["mean"] < 3.0
