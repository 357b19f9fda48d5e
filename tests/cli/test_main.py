from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metallm import __version__
from metallm.cli import guard
from metallm.cli.console import usd
from metallm.errors import (
    InputError,
    MetaLLMError,
    ProviderAuthError,
    StoreBusyError,
    UnknownPriceError,
)


def test_the_version_is_told_on_stdout(run: Callable[..., Any]) -> None:
    told = run("--version")
    assert (told.exit_code, told.stdout) == (0, f"metallm {__version__}\n")


def test_help_names_every_command_in_a_whole_sentence(run: Callable[..., Any]) -> None:
    told = run("--help")
    assert told.exit_code == 0
    commands = "demo init models serve classify label quiz log verify replay paper sandbox"
    for command in commands.split():
        assert f"\n  {command} " in told.stdout
    assert "..." not in told.stdout.partition("Commands:")[2]


@pytest.mark.process
def test_help_imports_no_heavy_package() -> None:
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom metallm.cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'numpy', 'pyarrow', 'aiohttp', 'pydantic', 'starlette', 'uvicorn', 'asyncio'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), 2),
        (UnknownPriceError("a"), 2),
        (ProviderAuthError("a", "x"), 1),
        (StoreBusyError("x"), 1),
    ],
)
def test_bad_input_exits_with_2_and_failures_with_1(error: MetaLLMError, code: int) -> None:
    assert guard.exit_code(error) == code


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = = 1\n", "no valid TOML"),
        ("[gatway]\nport = 1\n", "gatway: there is no such setting"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line_and_exit_2(
    run: Callable[..., Any], tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    done = run("models", "--config", path)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_is_a_short_line_and_exit_130(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("metallm.settings.load_settings", interrupted)
    done = run("models")
    assert (done.exit_code, done.stderr) == (130, "interrupted\n")


@pytest.mark.process
def test_a_reader_that_went_away_is_no_complaint(write_toml: Callable[..., Path]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "metallm.cli", "models", "--json", "--config", write_toml()],
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(None, "unknown"), (0.0, "$0.00"), (1234.5, "$1,234.50"), (0.01234, "$0.0123"),
     (0.00000123, "$0.00000123"), (0.0000716617, "$0.0000717")],
)  # fmt: skip
def test_small_amounts_keep_their_digits(amount: float | None, shown: str) -> None:
    assert usd(amount) == shown
