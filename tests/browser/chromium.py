"""The system's Chromium, driven by its own protocol (Chrome DevTools Protocol)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 30.0


def found() -> str | None:
    """Where it is; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page.

    Args:
        socket: to its target.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **params: Any) -> Any:
        """One command's result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            told = await self._socket.receive_json(timeout=TIMEOUT_S)
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]

    async def value(self, expression: str) -> Any:
        """What an expression gives; a promise is awaited."""
        told = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true, asking once a frame."""
        waits = (
            "new Promise((done) => { const look = () => "
            f"({expression}) ? done(true) : requestAnimationFrame(look); look(); }})"
        )
        assert await asyncio.wait_for(self.value(waits), TIMEOUT_S)

    async def press(self, key: str) -> None:
        """One key, as from a keyboard."""
        text = key if len(key) == 1 else ""
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text)

    async def shot(self, *, width: int, dark: bool) -> bytes:
        """A picture of the page as PNG, for people to look at."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1,
            mobile=False,
        )  # fmt: skip
        told = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(told["data"])


@asynccontextmanager
async def page(url: str, folder: Path) -> AsyncIterator[Page]:
    """A page at an address, in a browser of its own.

    Args:
        url: where it goes.
        folder: an empty one, for the browser's profile.
    """
    program = found()
    assert program is not None
    process = subprocess.Popen(  # noqa: ASYNC220 - it runs beside the test
        [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={folder}",
            "about:blank",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        port = await asyncio.to_thread(_port, process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                targets = await reply.json()
            target = next(each for each in targets if each["type"] == "page")
            async with session.ws_connect(
                target["webSocketDebuggerUrl"], max_msg_size=2**26
            ) as socket:
                made = Page(socket)
                await made.call("Page.navigate", url=url)
                await made.until(
                    "document.readyState === 'complete' && location.href !== 'about:blank'"
                )
                yield made
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)


def _port(process: subprocess.Popen[str]) -> int:
    """The port that the browser says it listens on."""
    assert process.stderr is not None
    for line in process.stderr:
        if "DevTools listening on" in line:
            return int(line.split("127.0.0.1:")[1].split("/")[0])
    raise AssertionError("the browser ended before it listened")
