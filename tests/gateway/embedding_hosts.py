"""A host of embeddings, and gateways that pass texts on to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from gateway.gates import Gate, gate
from gateway.keyed import Keyed, keyed
from metallm.core.arm import Arm
from metallm.core.key import Key
from metallm.core.wires import OPENAI
from metallm.gateway.rules import Rules
from metallm.providers.http import HttpProvider
from servers import running

PATH = "/v1/embeddings"
NAME = "up/embed-small"
ASK = {"model": NAME, "input": ["one", "two"], "brand_new": {"deep": [1, None]}}
ANSWER = (
    b'{"object":"list", "data":[{"object":"embedding","index":0,"embedding":[0.25,-1.5]}],'
    b' "model":"embed-small","usage":{"prompt_tokens":2000000,"total_tokens":2000000},"own":1}'
)
SECRET = "provider-key-of-ours"


@dataclass
class Upstream:
    """A host of embeddings: answers what it is told to, and keeps what it was asked.

    Args:
        status: of its answers.
        answer: their body.
        headers: beside the answer's kind.
    """

    status: int = 200
    answer: bytes = ANSWER
    headers: tuple[tuple[bytes, bytes], ...] = ()
    asked: list[tuple[str, Any, dict[bytes, bytes]]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.asked.append((scope["path"], orjson.loads(raw), dict(scope["headers"])))
        headers = [(b"content-type", b"application/json"), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.answer})


@dataclass
class Waiting(Upstream):
    """The same, once it is told to go on, or whoever asked goes away."""

    arrived: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or notice that nobody waits any more."""
        if scope["type"] != "http":
            return

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                self.arrived.set()

        leaving = asyncio.create_task(gone())
        going = asyncio.create_task(asyncio.to_thread(self.go.wait, 20))
        await asyncio.wait([leaving, going], return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            self.left.set()
            self.go.set()  # let go of the thread
        else:
            leaving.cancel()
            start = {"type": "http.response.start", "status": 200}
            await send({**start, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": self.answer})
        await going


def rules(url: str, **model: Any) -> dict[str, Any]:
    """Rules for a gateway whose one embedding model is the upstream's."""
    told = {"input_price": 0.02, "output_price": 0.0, "api_key_env": "UP_KEY", **model}
    arm = Arm(NAME, base_url=f"{url}/v1", wire=OPENAI, **told)
    poster = HttpProvider(max_retries=0, environ={"UP_KEY": SECRET})
    return {"embeddings": (arm,), "poster": poster}


@contextmanager
def before(upstream: Upstream, **model: Any) -> Iterator[Gate]:
    """A gateway before a host of embeddings."""
    with running(upstream) as url, gate(rules=Rules(**rules(url, **model))) as made:
        yield made


@contextmanager
def keyed_before(
    upstream: Upstream, folder: Path, *keys: Key, store: Any = None, **model: Any
) -> Iterator[Keyed]:
    """The same with keys."""
    with (
        running(upstream) as url,
        keyed(folder, *keys, rules=rules(url, **model), store=store) as made,
    ):
        yield made
