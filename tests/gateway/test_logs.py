from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from metallm.gateway.logs import make_log


def test_a_line_is_one_json_object_that_tells_what_when_and_how_grave() -> None:
    stream = io.StringIO()
    log = make_log(stream)
    log.info("request", path="/v1\nx", status=None, ms=1.5)
    log.warning("warning", told="žluťoučký")
    log.error("internal error")
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    moments = [datetime.fromisoformat(line.pop("timestamp")) for line in lines]
    assert lines == [
        {"path": "/v1\nx", "status": None, "ms": 1.5, "event": "request", "level": "info"},
        {"told": "žluťoučký", "event": "warning", "level": "warning"},
        {"event": "internal error", "level": "error"},
    ]
    assert moments == sorted(moments)
    assert abs(datetime.now(UTC) - moments[-1]) < timedelta(minutes=1)


def test_what_json_cannot_carry_is_told_as_text() -> None:
    stream = io.StringIO()
    make_log(stream).info("odd", place=Path("a/b"))
    assert orjson.loads(stream.getvalue())["place"] == "a/b"


def test_lines_go_to_stderr_where_nothing_else_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    make_log().info("hello")
    assert orjson.loads(capsys.readouterr().err)["event"] == "hello"
