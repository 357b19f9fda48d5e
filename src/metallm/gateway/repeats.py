"""A request sent again with its Idempotency-Key gets its first answer: nobody pays or learns twice.

A client that gave up waiting sends the same once more; so what came with such a key is answered to
its end, also where the client went away, and the answer waits for it. Repeats that come before it
is there wait too. In memory: after a restart a repeat is a new request.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from metallm.errors import InputError, RepeatMismatchError
from metallm.gateway.access import HELD
from metallm.gateway.errors import error_answer
from metallm.gateway.presence import while_present
from metallm.gateway.replays import Recorder, Shelf, read_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from metallm.core.key import Key
    from metallm.gateway.metrics import Metrics

NAME = b"idempotency-key"
MAX_NAME = 255

REPLAYED = ((b"idempotent-replayed", b"true"),)

_Name = tuple[str | None, bytes]
"""A key's id and what the client calls the request."""


@dataclass(slots=True)
class _Running:
    """A request that is being answered.

    Args:
        digest: of what was asked.
        over: set when it is answered, well or not.
    """

    digest: bytes
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Repeats:
    """ASGI middleware. For one event loop.

    Args:
        app: what it stands around.
        ttl_s: seconds that an answer is kept.
        max_bytes: memory for answers.
        max_body_bytes: of a request.
        metrics: counts what is given again.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        app: ASGIApp,
        ttl_s: float,
        max_bytes: int,
        max_body_bytes: int,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._ttl_s = ttl_s
        self._max_body_bytes = max_body_bytes
        self._metrics = metrics
        self._kept = Shelf(max_bytes, clock)
        self._running: dict[_Name, _Running] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or give its first answer again."""
        if scope["type"] != "http" or scope["method"] != "POST" or self._ttl_s <= 0.0:
            await self._app(scope, receive, send)
            return
        sent = {value for name, value in scope["headers"] if name == NAME}
        if not sent:
            await self._app(scope, receive, send)
            return
        try:
            told = _checked(sent)
            body, again = await read_whole(receive, self._max_body_bytes)
            if body is None:
                await self._app(scope, again, send)
                return
            await self._answer(scope, again, send, told, body)
        except (InputError, RepeatMismatchError) as error:
            await error_answer(error)(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, told: bytes, body: bytes
    ) -> None:
        key: Key | None = scope.get(HELD)
        name = (None if key is None else key.id, told)
        digest = blake2b(scope["path"].encode() + b"\0" + body, digest_size=16).digest()
        while True:
            known, running = self._kept.get(name), self._running.get(name)
            before = known[0] if known is not None else running
            if before is None:
                await self._first(scope, send, name, digest, body)
                return
            if before.digest != digest:
                raise RepeatMismatchError
            if known is not None:
                self._metrics.replayed("repeat")
                await known[0].send(scope, send, REPLAYED)
                return
            if running is not None:
                await while_present(receive, running.over.wait())

    async def _first(
        self, scope: Scope, send: Send, name: _Name, digest: bytes, body: bytes
    ) -> None:
        """Answer it to the end, and keep the answer."""
        running = self._running[name] = _Running(digest)
        recorder = Recorder(send, self._kept.most)
        try:
            await self._app(scope, _staying(body), recorder)
            answer = recorder.taken(scope, digest)
            if answer is not None:
                self._kept.put(name, answer, self._ttl_s)
        finally:
            del self._running[name]
            running.over.set()


def _checked(sent: set[bytes]) -> bytes:
    told = sent.pop()
    if sent or not 0 < len(told) <= MAX_NAME or not told.isascii():
        raise InputError(f"an Idempotency-Key is one name of 1 to {MAX_NAME} ASCII characters")
    return told


def _staying(body: bytes) -> Receive:
    """A channel with a body, and a client that never goes away."""
    told = False
    never = asyncio.Event()

    async def receive() -> Message:
        nonlocal told
        if told:
            await never.wait()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
