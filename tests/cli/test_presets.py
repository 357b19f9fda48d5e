"""`metallm init --preset`: settings that load, with arms whose prices are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metallm.cli.presets import PRESETS
from metallm.providers.prices import priced
from metallm.settings import load_settings

Run = Callable[..., Any]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_settings_with_priced_arms_of_rising_price(
    name: str, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "metallm.toml"
    done = run("init", "--preset", name, "--config", path)
    assert done.exit_code == 0, done.output
    assert PRESETS[name].needs in done.stderr
    arms = [priced(each.arm()) for each in load_settings(path).arms]
    assert [arm.name for arm in arms] == [arm.name for arm in PRESETS[name].arms]
    prices = [arm.list_price for arm in arms]
    dear = [price.input + price.output for price in prices if price is not None]
    assert len(dear) == len(arms) >= 4
    assert dear[0] < dear[-1]


def test_a_preset_that_there_is_not_is_refused_with_those_that_there_are(
    run: Run, tmp_path: Path
) -> None:
    done = run("init", "--preset", "paper-none", "--config", tmp_path / "metallm.toml")
    assert done.exit_code == 2
    for name in PRESETS:
        assert name in done.stderr


def test_a_preset_writes_over_nothing_unless_it_is_told_to(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text("kept", encoding="utf-8")
    assert run("init", "--preset", "paper-openai", "--config", path).exit_code == 2
    assert path.read_text(encoding="utf-8") == "kept"
    assert run("init", "--preset", "paper-openai", "--config", path, "--force").exit_code == 0
