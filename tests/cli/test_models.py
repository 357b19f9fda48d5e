from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ARMS = """
[[arms]]
name = "openai/gpt-4o"
[[arms]]
name = "openai/mine"
price = "unknown"
[[arms]]
name = "openai/other"
[[arms]]
name = "local/x"
base_url = "http://127.0.0.1:1/v1"
input_price = 1.0
output_price = 2.0
"""


def _models(run: Callable[..., Any], path: Path) -> list[dict[str, Any]]:
    done = run("models", "--json", "--config", path)
    assert done.exit_code == 0
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_each_price_says_where_it_comes_from(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(ARMS)
    rows = _models(run, path)
    assert [row["price"] for row in rows] == ["price table", "unknown, flagged", "unknown", "given"]
    assert rows[0]["input_price"] > 0
    assert rows[1]["input_price"] is None
    assert (rows[3]["input_price"], rows[3]["output_price"]) == (1.0, 2.0)


def test_a_key_is_told_to_be_there_but_never_shown(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(ARMS)
    assert [row["key"] for row in _models(run, path)] == ["missing"] * 3 + ["not needed"]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert _models(run, path)[0]["key"] == "there"
    assert "sk-secret" not in run("models", "--config", path).output


def test_an_arm_of_aws_is_signed_for_and_needs_a_region(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.toml"
    path.write_text('[[arms]]\nname = "bedrock/amazon.titan-text-express-v1"\n')
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    done = run("models", "--config", path)
    assert done.exit_code == 2
    assert "set the environment variable AWS_REGION" in done.stderr
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    (row,) = _models(run, path)
    assert (row["key"], row["price"]) == ("AWS's", "price table")
    assert row["base_url"] == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "k")
    assert _models(run, path)[0]["key"] == "there"


def test_the_table_says_which_arms_cannot_be_routed_to(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(ARMS)
    done = run("models", "--config", path)
    assert "openai/gpt-4o" in done.stdout
    assert "openai/other: no price is known" in done.stderr
    assert "openai/mine:" not in done.stderr


def test_an_arm_of_an_unknown_provider_is_an_error(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('[[arms]]\nname = "nobody/x"\n')
    done = run("models", "--config", path)
    assert done.exit_code == 2
    assert "give its base_url" in done.stderr


def test_no_arms_at_all_say_how_to_get_some(run: Callable[..., Any]) -> None:
    done = run("models")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "metallm init" in done.stderr
