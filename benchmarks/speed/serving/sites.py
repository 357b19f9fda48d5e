"""What the servers are set up with, and how large a fresh install is."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ARMS = 12
LITELLM_KEY = "sk-benchmark-5a0c2f7d9e1b4836"
"""LiteLLM's proxy does not start without one."""

ROOT = Path(__file__).resolve().parents[3]


def settings_file(folder: Path, upstream: str, port: int) -> Path:
    """A metallm.toml with twelve arms of rising price, all at the mock upstream."""
    arms = "".join(
        f'[[arms]]\nname = "sim/arm-{number}"\nmodel = "mock"\nbase_url = "{upstream}/v1"\n'
        f"input_price = {0.1 * 1.5**number:.4f}\noutput_price = {0.4 * 1.5**number:.4f}\n"
        for number in range(ARMS)
    )
    path = folder / "metallm.toml"
    path.write_text(
        f'[gateway]\nport = {port}\n[store]\npath = "{folder}/log.db"\n{arms}', encoding="utf-8"
    )
    return path


def client_key(config: Path) -> str:
    """A key of our gateway's, made as a user makes one; from then on it asks for keys."""
    command = [sys.executable, "-m", "metallm.cli", "keys", "add", "load", "--config", str(config)]
    done = subprocess.run(
        command, check=True, cwd=config.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    return done.stdout.strip()


def litellm_files(python: Path, folder: Path, upstream: str, port: int) -> Sequence[str]:
    """How LiteLLM's proxy is started before the same upstream."""
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: mock\n    litellm_params:\n      model: openai/mock\n"
        f"      api_base: {upstream}/v1\n      api_key: none\n"
        f"general_settings:\n  master_key: {LITELLM_KEY}\n",
        encoding="utf-8",
    )
    program = python.parent / "litellm"
    return [str(program), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]


def installed_mb() -> float:
    """Megabytes (10⁶ bytes) that installing the package adds to a virtual environment."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        before = _bytes(place)
        subprocess.run(
            [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet",
             "--no-compile", "--disable-pip-version-check", str(ROOT)],
            check=True,
        )  # fmt: skip
        return (_bytes(place) - before) / 1e6


def _bytes(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
