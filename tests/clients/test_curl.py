"""curl, as the pages show it, before the gateway."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from clients.helpful import HELLO, helpful_gate
from gateway.gates import Gate

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def made() -> Iterator[Gate]:
    with helpful_gate() as gateway:
        yield gateway


def curl(*words: str, body: Any = None) -> str:
    """What curl writes; it is told to look for no proxy and no settings of the machine."""
    data = () if body is None else ("--json", json.dumps(body))
    assert CURL is not None
    done = subprocess.run(
        [CURL, "--disable", "--noproxy", "*", "--silent", "--show-error", *words, *data],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


def asking(**more: Any) -> dict[str, Any]:
    """The body of a question."""
    return {"model": "auto", "messages": [{"role": "user", "content": "hello"}], **more}


def test_an_answer_and_its_headers_come_and_feedback_goes(made: Gate) -> None:
    chat = f"{made.url}/v1/chat/completions"
    told = curl("--include", chat, body=asking())
    head, _, body = told.replace("\r\n", "\n").partition("\n\n")
    assert json.loads(body)["choices"][0]["message"]["content"] == HELLO
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    judged = {"decision_id": headers["x-metallm-decision-id"], "quality": 1.0}
    learned = json.loads(curl(f"{made.url}/v1/feedback", body=judged))
    assert learned["arm"] == headers["x-metallm-arm"]


def test_a_stream_comes_line_by_line_to_its_end(made: Gate) -> None:
    told = curl("--no-buffer", f"{made.url}/v1/chat/completions", body=asking(stream=True))
    lines = [line for line in told.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
    deltas = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks]
    assert "".join(deltas) == HELLO


def test_tools_are_called(made: Gate) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    told = json.loads(curl(f"{made.url}/v1/chat/completions", body=asking(tools=[tool])))
    (call,) = told["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}


def test_hints_go_by_headers(made: Gate) -> None:
    hint = ("--header", "x-metallm-arms: sim/dear")
    told = json.loads(curl(*hint, f"{made.url}/v1/chat/completions", body=asking()))
    assert told["model"] == "sim/dear"


def test_a_large_body_that_waits_to_be_asked_for_is_taken(made: Gate) -> None:
    long = [{"role": "user", "content": "hello " * 10_000}]
    expecting = ("--header", "Expect: 100-continue")
    told = json.loads(
        curl(*expecting, f"{made.url}/v1/chat/completions", body=asking(messages=long))
    )
    assert told["choices"][0]["message"]["content"] == HELLO


def test_an_error_has_its_status_and_says_what_to_do(made: Gate) -> None:
    told = curl(
        "--write-out", "\n%{http_code}", f"{made.url}/v1/chat/completions", body={"model": "auto"}
    )
    body, _, status = told.rpartition("\n")
    assert status == "400"
    assert "messages" in json.loads(body)["error"]["message"]
