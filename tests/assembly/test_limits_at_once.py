"""An arm that is limited leaves the choice at once, whoever called it and how."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from metallm import Arm
from metallm.assembly.charged import charged_provider
from metallm.assembly.choices import http_provider
from metallm.core.completion import ChatRequest
from metallm.core.ledger import NANO_PER_USD, Ledger
from metallm.core.protocols import Provider
from metallm.gateway.budgets import Purse
from metallm.providers.bounds import Bounds
from metallm.sandbox.app import create_app
from metallm.settings import ProviderSettings
from metallm.tables.recordings import Recordings
from servers import running

ANSWERS = Recordings.read(
    pa.table({"query": ["hello"], "model": ["m"], "response": ["hi"], "score": [1.0]})
)
ASKED: Any = {"messages": [{"role": "user", "content": "hello"}]}
SETTINGS = ProviderSettings(max_retries=2)


def plain() -> Provider:
    return http_provider(SETTINGS)


def charged() -> Provider:
    return charged_provider(SETTINGS, Bounds(50), print)


def nobody() -> None:
    return None


def with_budget() -> Purse:
    return Purse([Ledger(NANO_PER_USD)], 10_000_000)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("make", "payer"), [(plain, nobody), (charged, nobody), (charged, with_budget)]
)
def test_while_one_caller_waits_to_try_again_nobody_else_is_sent_there(
    make: Callable[[], Provider], payer: Callable[[], Purse | None], stream: bool
) -> None:
    async def ask(url: str) -> None:
        limited, other = (
            Arm(f"up/{name}", 1.0, 1.0, model="m", base_url=f"{url}/v1") for name in "ab"
        )
        provider, request = make(), ChatRequest(ASKED, payer=payer())

        async def call() -> None:
            if not stream:
                await provider.complete(limited, request)
            async for _ in provider.stream(limited, request):
                pass

        def away() -> Any:
            arms = [limited, other]
            return provider.obstacles(arms, request, stream=stream, input_tokens=1)

        waiting = asyncio.ensure_future(call())
        try:
            async with asyncio.timeout(10):
                while not away():
                    await asyncio.wait([waiting], timeout=0.005)
            assert list(away()) == ["up/a"]
            assert "rests for" in away()["up/a"]
            assert not waiting.done()  # it waits the 20 seconds that it was told to
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])
            await provider.close()

    with running(create_app(ANSWERS, faults={"rate_limit": 1.0}, retry_after_s=20)) as url:
        asyncio.run(ask(url))
