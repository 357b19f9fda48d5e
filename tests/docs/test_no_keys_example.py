"""The example without keys works as it stands, at ports that are free."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import pytest

from cli.processes import TIMEOUT_S, place, started

FOLDER = Path(__file__).resolve().parents[2] / "examples/no-keys"


def test_the_data_are_what_the_script_beside_them_makes_up(tmp_path: Path) -> None:
    runpy.run_path(str(FOLDER / "make.py"))["write"](tmp_path)
    for file in ("outcomes.csv", "reviews.csv"):
        assert (tmp_path / file).read_bytes() == (FOLDER / file).read_bytes()


@pytest.mark.process
def test_the_reviews_are_classified_and_what_was_learned_follows_from_the_log(
    tmp_path: Path,
) -> None:
    for file in ("outcomes.csv", "reviews.csv", "metallm.toml"):
        shutil.copy(FOLDER / file, tmp_path)
    settings = tmp_path / "metallm.toml"
    sandbox = started("sandbox", "outcomes.csv", "--port", 0, "--json", cwd=tmp_path)
    with sandbox as upstream:
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("http://127.0.0.1:9100", place(upstream)), "utf-8")
        with started("serve", "--port", 0, "--json", cwd=tmp_path) as gateway:
            job = ["classify", "reviews.csv", "--text", "review", "--labels", "positive,negative"]
            job += ["--truth", "label", "--task", "reviews", "--gateway", place(gateway)]
            job += ["--limit", "40"]  # nobody reads the gateway's log, and a pipe holds so much
            with started(*job, "--json", cwd=tmp_path) as classify:
                told, said = classify.communicate(timeout=TIMEOUT_S)
            assert classify.returncode == 0, said
            with started("verify", cwd=tmp_path) as verify:
                assert "to the bit" in "".join(verify.communicate(timeout=TIMEOUT_S))
            assert verify.returncode == 0
    found = json.loads(told)
    assert (found["rows"], found["failed"]) == (40, 0)
    assert set(found["arms"]) <= {"sim/tiny", "sim/small", "sim/large", "metallm/student"}
    assert found["accuracy"] > 0.5
