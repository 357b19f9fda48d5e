from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from cli.processes import TIMEOUT_S, started
from metallm.cli.console import usd
from metallm.cli.demo_score import RECENT, Score
from metallm.cli.demo_servers import demo_gateway
from metallm.cli.demo_view import shown, table
from metallm.cli.doors import Answered
from metallm.cli.guard import WorkFailedError
from metallm.cli.tally import percent
from metallm.sandbox.synthetic import items, synthetic_recordings
from metallm.tables.recordings import Recordings


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    return Recordings.read(synthetic_recordings(0, 75))


def _filled(recordings: Recordings) -> Score:
    """As if sim/large had been asked for everything."""
    score = Score(recordings)
    column = recordings.models.index("sim/large")
    for row, item in enumerate(items(0, 75)):
        cost = float(recordings.cost_usd[row, column])
        answer = Answered(recordings.responses[row, column], "sim/large", cost, "dec_1")
        score.add(answer, item.label)
    return score


def test_always_asking_the_best_gets_what_the_recording_says(recordings: Recordings) -> None:
    score = _filled(recordings)
    router, best, cheapest, random = score.lines()
    assert best.name == "always the best (sim/large)"
    assert cheapest.name == "always the cheapest (sim/tiny)"
    assert (router.accuracy, router.recent) == (best.accuracy, best.recent)
    assert router.cost_usd == pytest.approx(best.cost_usd)
    assert random.accuracy == pytest.approx(recordings.score.mean())
    assert cheapest.cost_usd == pytest.approx(recordings.cost_usd.min(axis=1).sum())
    newest = recordings.score[-RECENT:, recordings.models.index("sim/large")]
    assert best.recent == pytest.approx(np.mean(newest))
    assert score.shares()["sim/large"] == 1.0
    assert score.plain()["saving_vs_best"] == pytest.approx(0.0)


def test_the_others_are_measured_on_the_same_queries(recordings: Recordings) -> None:
    score = Score(recordings)
    score.add(Answered(None, "sim/tiny", None, "dec_1"), "yes")
    router, best, *_ = score.lines()
    assert (router.accuracy, router.cost_usd) == (0.0, 0.0)
    assert best.cost_usd == recordings.cost_usd[0, recordings.models.index("sim/large")]


def test_the_figures_say_that_they_are_synthetic(
    recordings: Recordings, capsys: pytest.CaptureFixture[str]
) -> None:
    score = _filled(recordings)
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(table(score))
    assert "synthetic: 300 queries" in console.export_text()
    with shown(score, 300) as draw:
        draw()
    line = capsys.readouterr().err
    assert line.startswith("synthetic 300/300: router 9")
    assert "answered of late: sim/large 100%" in line


def test_a_terminal_gets_a_table_that_changes(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with shown(_filled(recordings), 300) as draw:
        draw()
    assert "SYNTHETIC" in terminal.getvalue()
    assert "█" * 30 in terminal.getvalue()


@pytest.mark.process
def test_servers_are_gone_afterwards_also_where_one_did_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[subprocess.Popen[Any]] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[Any]:
        child = popen(*arguments, **options)
        children.append(child)
        return child

    monkeypatch.setattr(subprocess, "Popen", start)
    with demo_gateway(tmp_path, synthetic_recordings(0, 1), 0):
        assert [child.poll() for child in children] == [None, None]
    monkeypatch.setattr("metallm.cli.demo_servers._settings", lambda *_: "[nothing]\n")
    with (
        pytest.raises(WorkFailedError, match=r"serve did not start: error: .*nothing"),
        demo_gateway(tmp_path, synthetic_recordings(0, 1), 0),
    ):
        pass
    assert len(children) == 4
    assert all(child.poll() is not None for child in children)


@pytest.mark.process
@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_stopped_takes_its_servers_along(
    tmp_path: Path, sign: signal.Signals, code: int
) -> None:
    with started("demo", "--seconds", 50, cwd=tmp_path) as process:
        assert process.stderr is not None
        while (line := process.stderr.readline()) and not line.startswith("sending"):
            pass
        url = line.split()[4].rstrip(",")
        process.send_signal(sign)
        _, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == code
    assert "Traceback" not in stderr
    host, _, port = url.removeprefix("http://").partition(":")
    with pytest.raises(ConnectionRefusedError), socket.create_connection((host, int(port))):
        pass


def table_of(stdout: str) -> list[list[str]]:
    """The cells of every row that was printed."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in stdout.splitlines()]


@pytest.mark.process
def test_the_demo_learns_over_http_says_what_to_do_next_and_comes_out_the_same_again(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METALLM_ROUTER__POLICY", "nonsense")  # the demo has settings of its own
    with started("demo", "--seconds", 2, cwd=tmp_path) as process:
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, stderr
    assert "SYNTHETIC" in stderr
    assert "synthetic" in stdout
    for told in ("always the best (sim/large)", "metallm init", "metallm serve", "curl"):
        assert told in stdout
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []

    again = json.loads(run("demo", "--seconds", 2, "--json").stdout)
    assert again["synthetic"]
    # a slow machine may get through fewer queries
    if f"synthetic: {again['queries']} queries" in stdout:
        for row in again["rows"]:
            cells = percent(row["accuracy"]), percent(row["recent_accuracy"]), usd(row["cost_usd"])
            assert [row["name"], *cells] in table_of(stdout)
