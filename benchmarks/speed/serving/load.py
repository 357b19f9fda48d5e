"""Requests over some connections, one after the other on each. A process of its own.

    python load.py URL MODEL COUNT CONNECTIONS stream|whole [KEY]

Writes one line of JSON: seconds of each request, in the order in which they came back.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from serving.messages import request


async def main(url: str, model: str, count: int, connections: int, kind: str, key: str) -> None:
    """Send them all."""
    seconds: list[float] = []
    numbers = iter(range(count))
    stream = kind == "stream"
    headers = {"content-type": "application/json"} | (
        {"authorization": f"Bearer {key}"} if key else {}
    )

    async def work(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            body = request(model, number, stream=stream)
            begun = time.perf_counter()
            async with session.post(url, data=body, headers=headers) as reply:
                data = await reply.read()
            if reply.status != 200 or (stream and not data.rstrip().endswith(b"[DONE]")):
                raise RuntimeError(f"status {reply.status}: {data[-500:]!r}")
            seconds.append(time.perf_counter() - begun)

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(connections)))
    print(json.dumps(seconds))


if __name__ == "__main__":
    key = sys.argv[6] if len(sys.argv) > 6 else ""
    asyncio.run(
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], key)
    )
