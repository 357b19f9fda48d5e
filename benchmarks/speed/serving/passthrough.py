"""A bare pass-through: what uvicorn and aiohttp cost alone. A process of its own.

python passthrough.py PORT UPSTREAM
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
import uvicorn

_session: aiohttp.ClientSession | None = None


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Sends the body on and the answer back, unread."""
    global _session  # noqa: PLW0603 - one pool for the process
    if scope["type"] != "http":
        return
    if _session is None:
        _session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    async with _session.post(
        sys.argv[2] + scope["path"], data=body, headers={"content-type": "application/json"}
    ) as reply:
        kind = reply.headers["content-type"].encode()
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        async for piece in reply.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", lifespan="off")
