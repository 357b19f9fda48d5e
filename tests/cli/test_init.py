from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metallm.assembly import Router
from metallm.cli.starter import MODELS
from metallm.core.arm import Arm
from metallm.providers.prices import priced
from metallm.providers.registry import HOSTS
from metallm.settings import load_settings, tasks_of


@pytest.mark.parametrize("provider", MODELS)
def test_every_model_offered_has_a_price_that_rises(provider: str) -> None:
    assert HOSTS[provider].api_key_env
    arms = [priced(Arm(f"{provider}/{model}")) for model in MODELS[provider]]
    assert len(arms) >= 2
    prices = [arm.output_price for arm in arms if arm.output_price is not None]
    assert len(prices) == len(arms)
    assert prices == sorted(set(prices))


def test_the_file_holds_arms_for_the_keys_found_and_no_key(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("NVIDIA_API_KEY", "nv-secret")
    monkeypatch.setenv("GROQ_API_KEY", " ")
    done = run("init")
    assert done.exit_code == 0
    text = (tmp_path / "metallm.toml").read_text()
    assert "secret" not in text + done.output
    assert '# name = "nvidia/MODEL"' in text
    settings = load_settings(tmp_path / "metallm.toml")
    assert [arm.name for arm in settings.arms] == [f"openai/{each}" for each in MODELS["openai"]]
    monkeypatch.setenv("METALLM_STORE__PATH", "")
    Router.from_settings(load_settings(tmp_path / "metallm.toml")).close()


def test_without_keys_it_writes_an_example_that_is_all_comments(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    done = run("init")
    assert done.exit_code == 0
    assert "no API key was found" in done.stderr
    assert "again with --force" in done.stderr
    assert load_settings(tmp_path / "metallm.toml").arms == ()
    text = (tmp_path / "metallm.toml").read_text()
    begin, end = text.index("# [[arms]]\n# name"), text.index("# Tasks can")
    example = text[begin:end].replace("# ", "")
    (tmp_path / "example.toml").write_text(example)
    assert len(load_settings(tmp_path / "example.toml").arms) == 2


def test_the_task_in_the_comments_is_one(run: Callable[..., Any], tmp_path: Path) -> None:
    run("init")
    text = (tmp_path / "metallm.toml").read_text()
    begin, end = text.index("# [[tasks]]"), text.index("# Models that")
    shown = text[begin:end].replace("\n# ", "\n").removeprefix("# ")
    (tmp_path / "shown.toml").write_text(shown)
    task = tasks_of(load_settings(tmp_path / "shown.toml"))["tickets"]
    assert task.labels == ("billing", "login", "other")
    assert task.cost("billing", truth="login") == 5.0
    assert task.examples == (("Where is my invoice?", "billing"),)


def test_the_model_of_embeddings_in_the_comments_has_a_price(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    run("init")
    text = (tmp_path / "metallm.toml").read_text()
    shown = text[text.index("# [[embeddings]]") :].replace("# ", "")
    (tmp_path / "shown.toml").write_text(shown)
    (model,) = load_settings(tmp_path / "shown.toml").embeddings
    assert priced(model.arm(), output_price=0.0).list_price is not None


def test_the_comments_show_the_defaults(run: Callable[..., Any], tmp_path: Path) -> None:
    run("init")
    lines = (tmp_path / "metallm.toml").read_text().splitlines()
    shown = [line.removeprefix("# ") for line in lines if line.startswith(("# ", "["))]
    start = shown.index("[gateway]")
    end = next(i for i, line in enumerate(shown) if line.startswith("The arms to choose"))
    (tmp_path / "shown.toml").write_text("\n".join(shown[start:end]))
    settings = load_settings(tmp_path / "shown.toml")
    assert settings.model_dump() == load_settings(tmp_path / "metallm.toml").model_dump()


def test_a_file_that_is_there_is_kept_without_force(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text("mine")
    done = run("init")
    assert done.exit_code == 2
    assert "--force" in done.stderr
    assert path.read_text() == "mine"
    assert run("init", "--force").exit_code == 0
    assert "[gateway]" in path.read_text()


def test_a_place_that_cannot_be_written_is_named(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("init", "--config", tmp_path / "none" / "x.toml")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
