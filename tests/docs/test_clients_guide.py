"""Every example of the guide on clients runs as it stands, but for the address and the key."""

from __future__ import annotations

import asyncio
import gc
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from clients.helpful import Helpful
from clients.official import sandbox
from gateway.keyed import Keyed, key, keyed
from metallm.core.arm import Arm
from metallm.providers.http import HttpProvider

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "clients.md"
ROOT, KEY = "http://127.0.0.1:8080", "mlm_..."
SECTIONS = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def blocks(language: str) -> list[object]:
    """The page's examples in a language, by the heading and place of each."""
    return [
        pytest.param(block, id=f"{section.splitlines()[0]}-{place}")
        for section in SECTIONS
        for place, block in enumerate(re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL))
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A gateway with a key, two helpful arms and a model of embeddings."""
    with sandbox() as url:
        model = Arm("openai/text-embedding-3-small", 0.02, 0.0, base_url=f"{url}/v1")
        rules = {"embeddings": (model,), "poster": HttpProvider(max_retries=0)}
        folder = tmp_path_factory.mktemp("keys")
        with keyed(folder, key(1, "reader"), provider=Helpful(), rules=rules) as gateway:
            yield gateway


def here(example: str, made: Keyed) -> str:
    """The example with this gateway's address and key."""
    assert ROOT in example
    assert KEY in example
    return example.replace(ROOT, made.gate.url).replace(KEY, made.secrets["reader"])


def feedback(made: Keyed) -> int:
    """How much was taken so far."""
    lines = made.gate.lines()
    return sum(line.get("path") == "/v1/feedback" and line["status"] == 200 for line in lines)


def run(example: str) -> None:
    """Run an example that leaves it to the end of its process to close what it opened."""
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        exec(compile(example, "clients.md", "exec"), names)  # noqa: S102 - our own page
        names.clear()
        asyncio.set_event_loop(None)
        gc.collect()


@pytest.mark.parametrize("example", blocks("python"))
def test_an_example_in_python_runs_and_says_something(
    made: Keyed, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = set(re.findall(r"^(?:from|import) (\w+)", example, re.MULTILINE))
    missing = sorted(name for name in needed if find_spec(name) is None)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; pip install 'metallm[clients]'")
    before = feedback(made)
    run(here(example, made))
    assert capsys.readouterr().out.strip()
    assert feedback(made) - before == example.count("/feedback")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("example", blocks("bash"))
def test_an_example_in_the_shell_runs_and_says_something(made: Keyed, example: str) -> None:
    before = feedback(made)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here(example, made)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "hello there" in done.stdout or '"content":"hello"' in done.stdout
    assert feedback(made) - before == example.count("/feedback")


def test_every_client_of_the_table_has_an_example() -> None:
    table = re.findall(r"^\| (\w+)", SECTIONS[0], re.MULTILINE)[1:]
    titles = " ".join(section.splitlines()[0] for section in SECTIONS[1:])
    assert len(table) == 6
    assert [client for client in table if client not in titles] == []
