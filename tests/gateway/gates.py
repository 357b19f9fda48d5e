"""A gateway on loopback before a scripted provider, and what a test asks of it."""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import openai
import orjson

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.protocols import Provider
from metallm.gateway.app import create_app
from metallm.gateway.logs import make_log
from metallm.gateway.rules import Rules
from metallm.providers.scripted import Script, ScriptedProvider
from metallm.store.memory import MemoryStore
from servers import running

CHAT = "/v1/chat/completions"
HELLO: list[Any] = [{"role": "user", "content": "hello there"}]
BOTH = {"sim/cheap": "hi from cheap", "sim/dear": "hi from dear"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


@dataclass(frozen=True)
class Gate:
    url: str
    router: Router
    provider: Any
    log: io.StringIO

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request without any client's own ideas."""
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=20)
        data = raw if body is None else orjson.dumps(body)
        try:
            connection.request(method, path, data, dict(headers or {}))
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, told, answer.read())
        finally:
            connection.close()

    def chat(self, **body: Any) -> Reply:
        return self.send("POST", CHAT, {"model": "auto", "messages": HELLO, **body})

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [orjson.loads(line) for line in self.log.getvalue().splitlines()]

    @contextmanager
    def client(self, **options: Any) -> Iterator[openai.OpenAI]:
        settings = {"max_retries": 0, "timeout": 20, **options}
        with openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", **settings) as made:
            yield made


@contextmanager
def gate(
    script: Script | None = None,
    *,
    provider: Provider | None = None,
    arms: Sequence[Arm] = (CHEAP, DEAR),
    max_body_bytes: int = 100_000,
    store: Any = None,
    origins: Sequence[str] = (),
    rules: Rules | None = None,
    tracing: Any = None,
    **options: Any,
) -> Iterator[Gate]:
    """A gateway whose router and provider the test can look into."""
    given = provider or ScriptedProvider(BOTH if script is None else script)
    settings = {"embedder": HashEmbedder(), "new_id": counting_ids(), "seed": 3, **options}
    kept = MemoryStore() if store is None else store
    router = Router(list(arms), provider=given, store=kept, **settings)
    lines = io.StringIO()
    app = create_app(
        router.caller,
        max_body_bytes=max_body_bytes,
        on_close=router.aclose,
        log=make_log(lines),
        origins=origins,
        rules=rules,
        tracing=tracing,
    )
    with running(app) as url:
        yield Gate(url, router, given, lines)
