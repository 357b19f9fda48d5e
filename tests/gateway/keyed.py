"""A gateway with keys before a scripted provider that charges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai

from gateway.gates import BOTH, CHAT, HELLO, Gate, Reply, gate
from metallm.core.key import ID_BYTES, SECRET_BYTES, Key, digest_of, written
from metallm.core.protocols import Provider
from metallm.gateway.keyring import Keyring
from metallm.gateway.rules import Rules
from metallm.providers.bounds import Bounds
from metallm.providers.charged import ChargedProvider
from metallm.providers.retry import Retry
from metallm.providers.scripted import Script, ScriptedProvider
from metallm.store.keys import KeyFile

MAX_TOKENS = 100


def secret(number: int) -> str:
    """The whole key of a number."""
    return written(f"{number:0{2 * ID_BYTES}x}", f"{number:0{2 * SECRET_BYTES}x}")


def key(number: int, name: str, **fields: Any) -> Key:
    """A key of a number, its own tenant where no other is given."""
    whole = secret(number)
    return replace(Key(whole[4:12], name, name, digest_of(whole)), **fields)


@dataclass(frozen=True)
class Keyed:
    """A gateway, and the keys that it knows.

    Attributes:
        gate: the gateway.
        file: its keys.
        secrets: whole keys by name.
        clock: moves the keyring's clocks: seconds since the start.
    """

    gate: Gate
    file: KeyFile
    secrets: Mapping[str, str]
    clock: list[float]

    def send(self, who: str | None, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """One request with somebody's key."""
        headers = {**more.pop("headers", {})}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.secrets[who]}"
        return self.gate.send(method, path, body, headers=headers, **more)

    def chat(self, who: str | None, headers: Mapping[str, str] | None = None, **body: Any) -> Reply:
        """One completion."""
        whole = {"model": "auto", "messages": HELLO, **body}
        return self.send(who, "POST", CHAT, whole, headers=headers or {})

    @contextmanager
    def client(self, who: str, **options: Any) -> Iterator[openai.OpenAI]:
        """The official client with somebody's key."""
        given = {"max_retries": 0, "timeout": 20, **options}
        url = f"{self.gate.url}/v1"
        with openai.OpenAI(base_url=url, api_key=self.secrets[who], **given) as made:
            yield made

    def calls(self) -> int:
        """Calls that reached an arm."""
        return sum(each.count() for each in self.gate.provider.scripted)


class Charged(ChargedProvider):
    """Charges, and lets a test look at what was called.

    Args:
        plain: called for nobody's money.
        single: called under a budget.
        bounds: the gateway's.
    """

    def __init__(self, plain: Provider, single: Provider, bounds: Bounds) -> None:
        async def at_once(seconds: float) -> None:
            del seconds

        retry = Retry(at_once, lambda: 0.5, max_retries=1)
        super().__init__(plain, single, bounds, retry, lambda _: None)
        self.scripted = (plain, single)


@contextmanager
def keyed(
    folder: Path,
    *keys: Key,
    script: Script | None = None,
    rules: Mapping[str, Any] | None = None,
    provider: Provider | None = None,
    **options: Any,
) -> Iterator[Keyed]:
    """A gateway that asks for keys."""
    file = KeyFile(folder / "keys.db")
    for each in keys:
        file.add(each)
    bounds, clock = Bounds(MAX_TOKENS), [0.0]
    told = BOTH if script is None else script
    ring = Keyring(file, clock=lambda: clock[0], now=lambda: 2e9 + clock[0])
    given = Rules(keyring=ring, bounds=bounds, **(rules or {}))
    inner = provider or ScriptedProvider(told)
    charged = Charged(inner, inner if provider else ScriptedProvider(told), bounds)
    secrets = {each.name: secret(int(each.id, 16)) for each in keys}
    with gate(provider=charged, rules=given, **options) as made:
        yield Keyed(made, file, secrets, clock)
