from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from metallm.errors import ConfigurationError
from metallm.sandbox.serve import bind

SCRIPT = """
import pyarrow as pa
from metallm.sandbox.serve import serve
from metallm.tables.recordings import Recordings
table = pa.table({"query": ["q"], "model": ["m"], "score": [1]})
serve(Recordings.read(table), port=0, ready=lambda url: print(url, flush=True))
"""


def test_a_port_in_use_is_told_with_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port} on 127\.0\.0\.1 is in use"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot listen on port 0 of 192\.0\.2\.1"):
        bind("192.0.2.1", 0)


@pytest.mark.process
def test_it_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/models", timeout=20) as answer:  # noqa: S310 - loopback
            assert b'"id":"m"' in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert "/v1/models" not in told
