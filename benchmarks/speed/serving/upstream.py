"""The mock upstream: answers at once, the same to everybody. A process of its own.

python upstream.py PORT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from serving.messages import answer, events

_WHOLE, _EVENTS = answer(), events()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app with one answer."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    streams = b'"stream":true' in body or b'"stream": true' in body
    kind = b"text/event-stream" if streams else b"application/json"
    headers = [(b"content-type", kind)]
    if not streams:
        headers.append((b"content-length", str(len(_WHOLE)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if streams:
        for event in _EVENTS:
            await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if streams else _WHOLE})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", lifespan="off")
