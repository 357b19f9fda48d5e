"""What is sent and answered: 200 bytes of request, 486 of answer, 22 events of a stream."""

from __future__ import annotations

import json
from typing import Any

REQUEST_BYTES, ANSWER_BYTES, EVENTS = 200, 486, 22

_HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "mock"}
_USAGE = {"prompt_tokens": 30, "completion_tokens": 40, "total_tokens": 70}


def request(model: str, number: int, *, stream: bool) -> bytes:
    """One request of about 200 bytes; no two texts are the same."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": f"{number:07d} which team should read this? "}],
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    missing = REQUEST_BYTES - len(_json(body))
    body["messages"][0]["content"] += ("my parcel is late again and nobody answers " * 5)[:missing]
    return _json(body)


def answer() -> bytes:
    """A whole answer of 486 bytes."""
    body: dict[str, Any] = {
        **_HEAD,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": ""},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
    missing = ANSWER_BYTES - len(_json(body))
    body["choices"][0]["message"]["content"] = ("the delivery team. " * 30)[:missing]
    return _json(body)


def events() -> list[bytes]:
    """A stream: role, words, the end, usage, and [DONE]: 22 events."""
    told: list[dict[str, Any]] = [_chunk({"role": "assistant", "content": ""}, None)]
    told += [_chunk({"content": f"word{number} "}, None) for number in range(EVENTS - 4)]
    told.append(_chunk({}, "stop"))
    told.append({**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE})
    return [b"data: " + _json(each) + b"\n\n" for each in told] + [b"data: [DONE]\n\n"]


def _chunk(delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}


def _json(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
