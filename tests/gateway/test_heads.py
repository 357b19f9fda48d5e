"""Heads that are too long or too slow."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from metallm.gateway.heads import MAX_BYTES, BoundedHeads
from servers import running

START = b"POST / HTTP/1.1\r\nHost: x\r\n"
LONG = b"a" * (MAX_BYTES // 2)


async def count(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


APP = Starlette(routes=[Route("/", count, methods=["POST"])])


class Impatient(BoundedHeads):
    head_s = 0.05


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def answered(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(APP, http=BoundedHeads) as url:
        yield url


def test_a_head_that_does_not_end_is_refused_before_it_fills_the_memory(url: str) -> None:
    with closing(connected(url)) as client:
        client.sendall(START + b"x-api-key: " + LONG + LONG)
        assert answered(client).startswith(b"HTTP/1.1 431 ")


def test_a_head_below_the_bound_and_a_body_beyond_it_are_fine(url: str) -> None:
    body = b"b" * (4 * MAX_BYTES)
    head = START + b"x: " + LONG + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with closing(connected(url)) as client:
        client.sendall(head % len(body) + body)
        answer = answered(client)
    assert answered_with(answer) == str(len(body)).encode()


def test_each_request_of_a_connection_is_bounded_by_itself(url: str) -> None:
    head = START + b"x: " + LONG + b"\r\nContent-Length: 2\r\n"
    with closing(connected(url)) as client:
        for _ in range(3):
            client.sendall(head + b"\r\nab")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(head + b"Connection: close\r\n\r\nab")
        assert answered_with(answered(client)) == b"2"


@pytest.mark.parametrize("begun", [b"", b"POST / HT", START + b"x: "])
def test_a_head_that_takes_too_long_is_refused(begun: bytes) -> None:
    with running(APP, http=Impatient) as url, closing(connected(url)) as client:
        client.sendall(begun)
        assert answered(client).startswith(b"HTTP/1.1 408 ")


def test_a_body_may_take_longer_than_a_head() -> None:
    with (
        running(APP, http=Impatient) as url,
        closing(connected(url)) as client,
        closing(connected(url)) as other,
    ):
        client.sendall(START + b"Connection: close\r\nContent-Length: 2\r\n\r\na")
        assert answered(other).startswith(b"HTTP/1.1 408 ")
        client.sendall(b"b")
        assert answered_with(answered(client)) == b"2"


def answered_with(answer: bytes) -> bytes:
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
    return answer.rpartition(b"\r\n\r\n")[2]
