"""What the official clients are held against: a sandbox with one recorded answer, and an echo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pyarrow as pa

from metallm.core.completion import ChatRequest, StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import OPENAI
from metallm.sandbox.app import create_app
from metallm.tables.recordings import Recordings
from metallm.wire.faces import FACES
from metallm.wire.openai_stream import write_chunk
from metallm.wire.openai_usage import write_usage
from servers import running

QUESTION = "an easy one: what is right?"
ANSWER = "that is right, naturally — ja"
MODEL = "acme/big-v1:0"
USAGE = Usage(50, 20, 30, reasoning_tokens=8)
CALLS = [
    {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": given}}
    for number, (name, given) in enumerate((("weather", '{"city":"Ulm"}'), ("time", "{}")))
]
_RECORDED = Recordings.read(
    pa.Table.from_pylist(
        [
            {
                "query": QUESTION,
                "model": MODEL,
                "response": ANSWER,
                "score": 1.0,
                "input_tokens": 20,
                "output_tokens": 5,
            }
        ]
    )
)


@contextmanager
def sandbox(**options: Any) -> Iterator[str]:
    """A sandbox that knows `QUESTION`; gives its URL."""
    with running(create_app(_RECORDED, **options)) as url:
        yield url


class Echo:
    """An upstream that thinks, speaks and calls two tools, and keeps what it was asked.

    Args:
        wire: what it speaks.
        media_type: of its streams.
        broken: whether its streams break off with an error.
    """

    def __init__(self, wire: str, media_type: str, *, broken: bool = False) -> None:
        self._face = FACES[wire]
        self._media_type = media_type
        self._broken = broken
        self.asked: list[ChatRequest] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        body = orjson.loads(raw)
        self.asked.append(self._face.read_request(body, {}))
        stream = "stream" in scope["path"].lower() or body.get("stream") is True
        media_type = self._media_type if stream else "application/json"
        headers = [(b"content-type", media_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(
            {"type": "http.response.body", "body": self._frames() if stream else self._whole()}
        )

    def _whole(self) -> bytes:
        message = {
            "role": "assistant",
            "content": "let me see",
            "reasoning_content": "hm",
            "tool_calls": CALLS,
        }
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        told = {"id": "a1", "choices": [choice], "usage": write_usage(USAGE)}
        return self._face.write_answer(orjson.dumps(told), wire=OPENAI, model=MODEL)

    def _frames(self) -> bytes:
        writer = self._face.writer(MODEL)
        named: Any = {"answer_id": "a1", "created": 1, "model": MODEL}
        deltas: list[dict[str, Any]] = [
            {"role": "assistant", "content": ""},
            {"reasoning_content": "hm"},
            {"content": "let me"},
            {"content": " see"},
            *({"tool_calls": [{"index": place, **call}]} for place, call in enumerate(CALLS)),
        ]
        chunks = [write_chunk(**named, delta=delta) for delta in deltas]
        chunks.append(write_chunk(**named, finish_reason="tool_calls"))
        raw = b"".join(writer.event(StreamEvent(chunk)) for chunk in chunks)
        if self._broken:
            return raw + writer.error(b'{"error": {"message": "too many at once"}}', status=429)
        usage = write_chunk(**named, usage=USAGE)
        return raw + writer.event(StreamEvent(usage, "", USAGE)) + writer.end()
