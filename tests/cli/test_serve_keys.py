"""`metallm serve` with keys, as processes: budgets outlive a SIGKILL, keys come and go."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.processes import TIMEOUT_S, place, started
from metallm.store.sqlite import SqliteStore
from servers import running

ARM = """
[[arms]]
name = "sim/only"
base_url = "{upstream}/v1"
input_price = 1.0
output_price = 10.0
"""
HELLO = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
PATIENCE_S = 10.0


class Silent:
    """An upstream that takes every request and answers none."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.asked.set()
            while (await receive())["type"] != "http.disconnect":
                pass
        elif scope["type"] == "lifespan":
            await asyncio.Event().wait()


def post(url: str, key: str, *, timeout: float = TIMEOUT_S) -> tuple[int, dict[str, Any]]:
    """Status and document of a completion."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/v1/chat/completions", json.dumps(HELLO).encode(), headers
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its URL."""
    with started("serve", "--port", 0, "--json", cwd=folder) as process:
        yield process, place(process)


@pytest.mark.process
def test_what_was_in_flight_at_a_kill_counts_as_spent(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    # a call is bounded by 1,000 nano-USD a byte and ten thousand a token of its answer: ~2.2e-3 USD
    key = run("keys", "add", "ci", "--budget", "0.003").stdout.strip()
    upstream = Silent()
    with running(upstream, lifespan="off") as url:
        (tmp_path / "metallm.toml").write_text(ARM.format(upstream=url))
        with serving(tmp_path) as (process, gateway):
            asking = threading.Thread(target=ignoring_its_end, args=(gateway, key))
            asking.start()
            assert upstream.asked.wait(TIMEOUT_S)
            process.send_signal(signal.SIGKILL)
            process.wait(TIMEOUT_S)
            asking.join(TIMEOUT_S)
        store = SqliteStore(tmp_path / "metallm.db")
        ((decision, outcomes),) = store.recent(9)
        store.close()
        assert outcomes == []
        assert decision.client is not None
        held = decision.client.held_usd
        assert held is not None
        assert 0.0015 < held < 0.003
        (told,) = [json.loads(line) for line in run("keys", "list", "--json").stdout.splitlines()]
        assert told["spent_usd"] == pytest.approx(held, abs=2e-9)
        with serving(tmp_path) as (process, gateway):
            status, document = post(gateway, key)
            assert (status, document["error"]["code"]) == (429, "insufficient_quota")
        assert run("verify").exit_code == 0


def ignoring_its_end(url: str, key: str) -> None:
    """Ask; the gateway will be gone before it answers."""
    try:
        post(url, key)
    except (OSError, json.JSONDecodeError):
        return


def until(status: int, url: str, key: str) -> None:
    """Ask until the answer has this status; fail where that takes too long."""
    last, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while (seen := post(url, key)[0]) != status:
        assert time.monotonic() < last, f"still {seen}"
        pause.wait(0.05)  # every request is a line on the gateway's stderr, which nobody reads


@pytest.mark.process
def test_keys_that_are_made_revoked_and_rotated_take_hold_while_it_runs(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    with running(Silent(), lifespan="off") as url:
        (tmp_path / "metallm.toml").write_text(ARM.format(upstream=url))
        # a budget of nothing: whoever is let in is told so at once
        first = run("keys", "add", "one", "--budget", "0").stdout.strip()
        with serving(tmp_path) as (_, gateway):
            assert post(gateway, first)[0] == 429
            second = run("keys", "add", "two", "--budget", "0").stdout.strip()
            until(429, gateway, second)
            run("keys", "revoke", "one")
            until(401, gateway, first)
            third = run("keys", "rotate", "two").stdout.strip()
            until(401, gateway, second)
            assert post(gateway, third)[0] == 429
