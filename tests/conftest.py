"""What every test relies on: the network is refused, loopback apart."""

from __future__ import annotations

import gc
import ipaddress
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# a machine that others use is slow now and then, which is no counterexample
settings.register_profile("metallm", deadline=None)
settings.load_profile("metallm")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_sessionstart() -> None:
    """While everything is imported there is nothing to collect, and Ctrl-C is heard.

    A shell's background jobs ignore Ctrl-C, and so would the processes that tests interrupt.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was imported for the tests stays for good: no collection has to look through it.

    All that the suite imports takes a full collection a third of a second, and there are hundreds.
    """
    gc.enable()
    gc.collect()
    gc.freeze()


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):  # a path: a unix socket
        return True
    host = address[0]
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails at once and says so."""
    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if not _is_local(address):
            raise AssertionError(f"a test reached for the network: {address}")
        real_connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a metallm.toml nor METALLM_* or OTEL_* variables of the machine reach a test."""
    import os

    for name in list(os.environ):
        if name.startswith(("METALLM_", "OTEL_")) or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shared_data() -> Path:
    """The folder of recorded outcomes beside the checkout; skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recorded outcomes at {SHARED_DATA}")
    return SHARED_DATA
