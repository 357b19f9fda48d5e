from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from metallm.cli.main import app

TOML = """
[store]
path = "{store}"
[router]
policy = "{policy}"
cost_weight = 0.1
[providers]
max_retries = 0
[[arms]]
name = "sim/tiny"
base_url = "{base_url}"
input_price = 0.1
output_price = 0.3
[[arms]]
name = "sim/large"
base_url = "{base_url}"
input_price = 10.0
output_price = 30.0
"""


@pytest.fixture
def run() -> Callable[..., Any]:
    """Runs the command line in this process."""

    def invoke(*arguments: object) -> Any:
        return CliRunner().invoke(app, [str(each) for each in arguments])

    return invoke


@pytest.fixture
def write_toml(tmp_path: Path) -> Callable[..., Path]:
    """Writes settings with two simulated arms."""

    def write(
        base_url: str = "http://127.0.0.1:9/v1", *, store: str = "log.db", policy: str = "squarecb"
    ) -> Path:
        path = tmp_path / "metallm.toml"
        path.write_text(TOML.format(base_url=base_url, store=store, policy=policy))
        return path

    return write
