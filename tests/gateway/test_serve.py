from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from metallm.errors import ConfigurationError
from metallm.gateway.serve import _Server, bind, is_loopback, serve

HOLDING = """
import asyncio, sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from metallm.gateway.serve import serve

async def hold(request):
    print("held", flush=True)
    await request.body()
    return PlainTextResponse("done")

def ready(host, port):
    print(host, port, flush=True)

serve(Starlette(routes=[Route("/", hold, methods=["POST"])]), sys.argv[1], 0, on_ready=ready)
print("over", flush=True)
"""


@contextmanager
def served(host: str = "127.0.0.1") -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, host],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        shown, _, port = process.stdout.readline().partition(" ")
        assert shown == host
        yield process, int(port)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.process
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_open_requests_end_and_returns(sign: signal.Signals) -> None:
    with served() as (process, port):
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1")
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(sign)
        client.sendall(b"2")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.read() == b"done"
        client.close()
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert out == "over\n"
        assert err == ""


def test_listening_beyond_this_machine_is_refused_unless_it_is_meant() -> None:
    with pytest.raises(ConfigurationError, match="metallm keys add NAME"):
        serve(None, "0.0.0.0", 0)  # type: ignore[arg-type]


def test_a_port_in_use_is_told_with_host_port_and_a_way_out() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=f"port {port} on 127.0.0.1 is in use.*another"
        ):
            serve(None, "127.0.0.1", port)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot listen on port 0 of {host}"):
        bind(host, 0)


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_loopback_is_told_from_the_rest(host: str, loopback: bool) -> None:
    with bind(host, 0) as listener:
        assert is_loopback(listener) is loopback


def test_outside_the_main_thread_signals_stay_with_whoever_had_them() -> None:
    before = signal.getsignal(signal.SIGTERM)
    within: list[object] = []

    def enter() -> None:
        with _Server(uvicorn.Config("unused"), None, "", 0).capture_signals():
            within.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(20)
    assert within == [before]
