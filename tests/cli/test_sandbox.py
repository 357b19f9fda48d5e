from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.processes import interrupt, place, started

ROW = '{"query": "q", "model": "sim/m", "score": 1}\n'


@pytest.mark.process
def test_it_serves_the_recorded_models_until_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(ROW)
    with started("sandbox", data, "--port", 0, "--json", cwd=tmp_path) as process:
        with urllib.request.urlopen(f"{place(process)}/v1/models", timeout=20) as answer:  # noqa: S310 - loopback
            assert [each["id"] for each in json.load(answer)["data"]] == ["sim/m"]
        code, stdout, stderr = interrupt(process)
    assert code == 130
    assert stdout == ""
    assert "sandbox with 1 queries of 1 models: http://127.0.0.1:" in stderr
    assert "Traceback" not in stderr


def test_a_port_in_use_is_told_with_its_number(run: Callable[..., Any], tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(ROW)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("sandbox", data, "--port", port)
    assert done.exit_code == 2
    assert f"error: port {port} on 127.0.0.1 is in use" in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("none.parquet", None, "there is no file"),
        ("x.txt", "a", "a table's name ends in"),
        ("x.csv", "query,model\nq,m\n", "lacks the column score; it has: query, model"),
    ],
)
def test_data_that_is_no_recording_is_told(
    run: Callable[..., Any], tmp_path: Path, name: str, text: str | None, told: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    done = run("sandbox", tmp_path / name)
    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("cut", "--fault takes a name and a share, such as cut=0.1, not 'cut'"),
        ("flood=0.1", "no fault is called 'flood'"),
        ("cut=2", "shares of faults lie from 0 to 1"),
    ],
)
def test_a_fault_that_cannot_be_is_told(
    run: Callable[..., Any], tmp_path: Path, fault: str, told: str
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(ROW)
    done = run("sandbox", data, "--port", 0, "--fault", fault)
    assert done.exit_code == 2
    assert told in done.stderr
