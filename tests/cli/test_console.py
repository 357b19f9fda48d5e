from __future__ import annotations

import io
import sys

import pytest

from metallm.cli.console import _lines, progress


def test_without_a_terminal_progress_is_a_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    report = _lines("work", lambda: now)
    report(1, 10, "soon")
    now = 6.0
    report(2, 10, "a note")
    report(3, 10, "too soon after")
    report(10, 10, "")
    assert capsys.readouterr().err == "work: 2 of 10, a note\nwork: 10 of 10\n"


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("work") as report:
        report(3, 10, "cost $1.00")
    assert "3/10" in terminal.getvalue()
    assert "cost $1.00" in terminal.getvalue()
    assert "━" in terminal.getvalue()


def test_nothing_of_progress_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("work") as report:
        report(1, 1, "")
    assert capsys.readouterr().out == ""
