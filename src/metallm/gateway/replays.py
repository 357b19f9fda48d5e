"""Answers that can be given again: taken down on their way out, and kept within bounds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.gateway.note import KEY as NOTE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from starlette.types import Message, Receive, Scope, Send

    from metallm.gateway.note import Note

Header = tuple[bytes, bytes]

OVERHEAD = 512
"""Bytes that an answer takes beside its body, about."""

LARGEST_SHARE = 8
"""One answer takes at most this part of the memory for all."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One whole answer.

    Args:
        status: HTTP status.
        headers: without those that stand around every answer.
        body: all of it; of a stream all events.
        kind: the endpoint, for log and counts.
        decision_id: the decision behind it.
        arm: the arm that answered.
        digest: of what was asked.
    """

    status: int
    headers: tuple[Header, ...]
    body: bytes
    kind: str
    decision_id: str | None
    arm: str | None
    digest: bytes = b""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.body) + OVERHEAD

    async def send(self, scope: Scope, send: Send, headers: Iterable[Header]) -> None:
        """Give it once more.

        Args:
            scope: of the request that gets it.
            send: its channel.
            headers: what is told beside its own.
        """
        note: Note = scope[NOTE]
        note.kind, note.decision_id, note.arm = self.kind, self.decision_id, self.arm
        told = [*self.headers, *headers]
        await send({"type": "http.response.start", "status": self.status, "headers": told})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class Recorder:
    """Passes an answer on, and takes it down.

    Args:
        send: where it goes.
        most: bytes of a body; a longer one is passed on and forgotten.
        headers: what is told beside its own.
        whole: called when all of it is there, before the client can know that.
    """

    def __init__(
        self,
        send: Send,
        most: int,
        headers: Iterable[Header] = (),
        whole: Callable[[Recorder], None] | None = None,
    ) -> None:
        self._send = send
        self._on_whole = whole
        self._most = most
        self._more = tuple(headers)
        self._status = 0
        self._headers: tuple[Header, ...] = ()
        self._pieces: list[bytes] | None = []
        self._size = 0
        self._whole = False

    async def __call__(self, message: Message) -> None:
        """One message of the answer."""
        if message["type"] == "http.response.start":
            # copied: others add to the list further out
            self._status, self._headers = message["status"], tuple(message["headers"])
            message = {**message, "headers": [*self._headers, *self._more]}
        elif message["type"] == "http.response.body":
            self._take(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._whole and self._on_whole is not None:
                self._on_whole(self)
        await self._send(message)

    def taken(self, scope: Scope, digest: bytes) -> Replay | None:
        """The answer; None where it is not one that can be given again.

        Args:
            scope: of the request.
            digest: of what was asked.
        """
        note: Note = scope[NOTE]
        good = self._whole and 200 <= self._status < 300 and not note.broken
        if not good or self._pieces is None:
            return None
        body = b"".join(self._pieces)
        return Replay(
            self._status, self._headers, body, note.kind, note.decision_id, note.arm, digest
        )

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most:
            self._pieces = None
        if self._pieces is not None and piece:
            self._pieces.append(piece)


class Shelf:
    """Answers by name, for a while, within a bound of memory; those used longest ago go first.

    Args:
        max_bytes: of all together.
        clock: seconds that only grow.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float]) -> None:
        self.most = max_bytes // LARGEST_SHARE
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[Replay, float, float]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: Hashable) -> tuple[Replay, float] | None:
        """An answer and its age in seconds; None where there is none, or no more."""
        found = self._kept.get(name)
        if found is None:
            return None
        replay, since, until = found
        now = self._clock()
        if now >= until:
            self._drop(name)
            return None
        self._kept.move_to_end(name)
        return replay, now - since

    def put(self, name: Hashable, replay: Replay, ttl_s: float) -> None:
        """Keep an answer for some seconds, unless it is too large by itself."""
        self._drop(name)
        if len(replay.body) > self.most:
            return
        now = self._clock()
        self._kept[name] = (replay, now, now + ttl_s)
        self.bytes += replay.size
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: Hashable) -> None:
        found = self._kept.pop(name, None)
        if found is not None:
            self.bytes -= found[0].size


async def read_whole(receive: Receive, max_bytes: int) -> tuple[bytes | None, Receive]:
    """A request's body, and a channel that gives it again.

    Args:
        receive: the request's channel, nothing read from it yet.
        max_bytes: a longer body is left to whoever refuses it.

    Returns:
        The body, or None where it is longer or the client went away; and the channel.
    """
    messages: list[Message] = []
    pieces: list[bytes] = []
    size, more = 0, True
    while more and size <= max_bytes:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return None, _again(messages, receive)
        piece = message.get("body", b"")
        pieces.append(piece)
        size, more = size + len(piece), message.get("more_body", False)
    body = None if size > max_bytes else b"".join(pieces)
    return body, _again(messages, receive)


def _again(messages: list[Message], receive: Receive) -> Receive:
    left = iter(messages)

    async def again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return again
