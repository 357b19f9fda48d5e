"""A running gateway, asked over HTTP."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from metallm.cli.guard import WorkFailedError
from metallm.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.task import Task

CONNECT_S = 10.0

KEY_ENV = "METALLM_API_KEY"
"""The environment variable that holds a key of the gateway, where it asks for one."""


class GatewayClient:
    """Sends JSON to a gateway, and gets JSON back. Make it in an event loop.

    Where the environment holds a key of the gateway (`KEY_ENV`), it is sent along.

    Args:
        url: of the gateway, with or without /v1.

    Attributes:
        url: without /v1.

    Raises:
        ConfigurationError: that is no URL.
    """

    def __init__(self, url: str) -> None:
        import aiohttp

        self.url = root_of(url)
        # how long an answer may take is for the gateway to say
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=key_headers())

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and document of a GET; an answer that is no JSON object is an empty one."""
        return await self._send("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The same of a POST."""
        return await self._send("POST", path, body)

    async def close(self) -> None:
        """Let go of connections."""
        await self._session.close()

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        import aiohttp
        import orjson

        try:
            async with self._session.request(method, self.url + path, json=body) as answer:
                raw = await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise WorkFailedError(
                f"the gateway at {self.url} cannot be reached ({why}): "
                "start it with 'metallm serve'; what was answered is kept"
            ) from error
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError:
            document = None
        return status, document if isinstance(document, dict) else {}


def key_headers() -> dict[str, str]:
    """The gateway's key, as headers; none where the environment holds none."""
    key = os.environ.get(KEY_ENV, "").strip()
    return {"Authorization": f"Bearer {key}"} if key else {}


def root_of(url: str) -> str:
    """A gateway's URL without /v1.

    Raises:
        ConfigurationError: that is no URL.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"--gateway takes a URL, as http://127.0.0.1:8080, not {url}")
    return url.rstrip("/").removesuffix("/v1")


def told(body: Mapping[str, Any], status: int) -> str:
    """The message of an error in OpenAI's shape."""
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return str(message) if message else f"HTTP status {status}"


def declared_tasks(url: str) -> dict[str, Task]:
    """The tasks that a gateway declares, by name: their kinds and labels.

    Raises:
        ConfigurationError: that is no URL.
        WorkFailedError: it cannot be reached, or does not tell.
    """
    import asyncio

    return asyncio.run(_declared_tasks(url))


async def _declared_tasks(url: str) -> dict[str, Task]:
    from metallm.core.task import Task

    client = GatewayClient(url)
    try:
        status, body = await client.get("/v1/tasks")
    finally:
        await client.close()
    if status != 200:
        raise WorkFailedError(f"the gateway at {client.url} refused: {told(body, status)}")
    try:
        tasks = [
            Task(
                each["name"],
                each["kind"],
                each["labels"],
                descriptions=each.get("descriptions") or {},
            )
            for each in body["data"]
        ]
    except (KeyError, TypeError, InputError) as error:
        raise WorkFailedError(f"{client.url} does not answer as a gateway of ours") from error
    return {task.name: task for task in tasks}
