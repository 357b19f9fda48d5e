from __future__ import annotations

import json
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.processes import TIMEOUT_S, interrupt, place, started
from metallm.sandbox.app import create_app
from metallm.sandbox.synthetic import LABELS, items, synthetic_recordings
from metallm.tables.recordings import Recordings
from servers import running


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - loopback
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
        told: dict[str, Any] = json.load(answer)
        return told


@pytest.mark.process
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_learns_and_keeps_its_log_past_its_end(
    tmp_path: Path, run: Callable[..., Any], write_toml: Callable[..., Path], sign: signal.Signals
) -> None:
    item = items(0, 2)[0]
    with running(create_app(Recordings.read(synthetic_recordings(0, 2)))) as upstream:
        config = write_toml(f"{upstream}/v1")
        arguments = ("--port", 0, "--json", "--policy", "fixed:sim/large", "--log-prompts")
        with started("serve", *arguments, cwd=tmp_path) as process:
            url = place(process)
            asked = {"text": item.text, "labels": LABELS[item.task]}
            answer = _post(f"{url}/v1/classify", asked)
            _post(f"{url}/v1/feedback", {"decision_id": answer["decision_id"], "label": item.label})
            process.send_signal(sign)
            stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    assert stdout == ""
    assert f"listening on {url}/v1, policy fixed" in stderr
    assert "sim/tiny: USD 0.1 in, 0.3 out per million tokens" in stderr
    assert "Traceback" not in stderr
    told = json.loads(run("log", "--json", "--config", config).stdout)
    assert (told["arm"], told["text"]) == ("sim/large", item.text)
    assert [each["kind"] for each in told["outcomes"]] == ["completion", "feedback"]
    assert run("verify", "--config", config).exit_code == 0


@pytest.mark.process
def test_nothing_is_written_to_stdout_unless_it_is_asked_for(
    tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()
    with started("serve", "--port", 0, "--store", "", cwd=tmp_path) as process:
        assert process.stderr is not None
        while (line := process.stderr.readline()) and "log: in memory" not in line:
            pass
        assert line
        code, stdout, _ = interrupt(process)
    assert (code, stdout) == (0, "")
    assert not (tmp_path / "log.db").exists()


def test_a_port_in_use_is_told_and_the_log_is_free_again(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    write_toml()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for _ in range(2):
            done = run("serve", "--port", port)
            assert done.exit_code == 2
            assert f"error: port {port} on 127.0.0.1 is in use" in done.stderr


def test_a_log_that_another_process_writes_is_a_failure(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    from metallm.store.sqlite import SqliteStore

    write_toml()
    store = SqliteStore("log.db")
    try:
        done = run("serve", "--port", 0)
    finally:
        store.close()
    assert done.exit_code == 1
    assert "is being written by another store" in done.stderr


ONE_ARM = '[[arms]]\nname = "openai/gpt-4o"\n'


def test_beyond_this_machine_a_gateway_without_keys_does_not_start(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "metallm.toml").write_text(ONE_ARM)
    done = run("serve", "--host", "0.0.0.0", "--port", 0)
    assert done.exit_code == 2
    assert "metallm keys add NAME" in done.stderr


@pytest.mark.process
@pytest.mark.parametrize("way", ["a key", "a setting with a frightening name"])
def test_beyond_this_machine_it_starts_with_a_key_or_when_it_is_told_to(
    run: Callable[..., Any], tmp_path: Path, way: str
) -> None:
    (tmp_path / "metallm.toml").write_text(ONE_ARM)
    words = ["serve", "--host", "0.0.0.0", "--port", "0", "--json"]
    if way == "a key":
        assert run("keys", "add", "ci").exit_code == 0
    else:
        words = ["--set", "gateway.dangerously_open_to_everybody=true", *words]
    with started(*words, cwd=tmp_path) as process:
        port = int(place(process).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = client.makefile("rb").read()
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=TIMEOUT_S)[1]
    assert answer.startswith(b"HTTP/1.1 401" if way == "a key" else b"HTTP/1.1 200")
    assert ("keys: 1 in force" if way == "a key" else "WARNING: no key is asked for") in err


@pytest.mark.parametrize(
    ("arms", "arguments", "told"),
    [
        ("", (), "no arms are set up"),
        ('[[arms]]\nname = "openai/unheard-of"\n', (), "the price of arm 'openai/unheard-of'"),
        (
            '[[arms]]\nname = "openai/gpt-4o"\n',
            ("--policy", "fixed:nobody"),
            "no arm is called 'nobody'",
        ),
        ('[[arms]]\nname = "openai/gpt-4o"\n', ("--cost-weight", "-1"), "cost_weight"),
    ],
)
def test_settings_that_cannot_work_are_one_line_and_exit_2(
    run: Callable[..., Any], tmp_path: Path, arms: str, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "metallm.toml").write_text(arms)
    done = run("serve", *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
