"""`metallm serve` with and without a collector."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.processes import TIMEOUT_S, interrupt, place, started
from cli.upstreams import Upstream
from gateway.gates import HELLO, Gate
from metallm.core.price import Usage

AT_ITS_END = """
import atexit, pathlib, sys
atexit.register(lambda: pathlib.Path("modules.txt").write_text(" ".join(sys.modules)))
"""
"""Run by Python as it starts: notes at the end what was imported."""


def _said(_body: Any) -> tuple[str, Usage]:
    return "hi", Usage(7, 3)


def _ask(url: str) -> int:
    outside: Any = None
    return Gate(url, outside, outside, outside).chat(messages=HELLO).status


@pytest.mark.process
def test_without_a_collector_nothing_of_opentelemetry_is_imported(
    tmp_path: Path, write_toml: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_ITS_END)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Upstream(_said).serving() as upstream:
        write_toml(upstream)
        with started("serve", "--port", 0, "--json", cwd=tmp_path) as process:
            assert _ask(place(process)) == 200
            code, _, stderr = interrupt(process)
    assert code == 0, stderr
    modules = (tmp_path / "modules.txt").read_text().split()
    assert "metallm.assembly.telemetry" in modules
    assert [name for name in modules if name.startswith("opentelemetry")] == []


@pytest.mark.process
def test_what_was_told_by_the_last_requests_is_sent_before_the_end(
    tmp_path: Path, write_toml: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="no extra otel here")
    from collector import collecting, values

    with collecting() as collector, Upstream(_said).serving() as upstream:
        monkeypatch.setenv("METALLM_OTEL__ENDPOINT", collector.url)
        write_toml(upstream)
        with started("serve", "--port", 0, "--json", cwd=tmp_path) as process:
            url = place(process)
            assert [_ask(url) for _ in range(3)] == [200] * 3
            process.send_signal(signal.SIGTERM)
            _, stderr = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, stderr
    calls = [span for span in collector.spans() if span.name.startswith("chat")]
    assert [values(call.attributes)["gen_ai.usage.output_tokens"] for call in calls] == [3] * 3
    assert "gen_ai.client.operation.duration" in collector.metrics()
    assert "telemetry:" not in stderr
