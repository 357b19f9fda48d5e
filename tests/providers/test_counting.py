from __future__ import annotations

import asyncio

import pytest

from metallm.assembly.choices import http_provider
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.protocols import CountsTokens
from metallm.core.wires import ANTHROPIC, OPENAI
from metallm.errors import ProviderUnavailableError
from metallm.providers.resting import RestingProvider
from metallm.providers.scripted import ScriptedProvider
from servers import answered, raw_upstream

ASKED = ChatRequest({"messages": [{"role": "user", "content": "hello"}], "temperature": 0.5})


async def counted(talk: bytes, wire: str) -> int | None:
    async with raw_upstream([talk]) as upstream:
        provider = http_provider()
        assert isinstance(provider, CountsTokens)
        try:
            arm = Arm("up/m", base_url=upstream.base_url, wire=wire)
            return await provider.count_tokens(arm, ASKED)
        finally:
            await provider.close()


def test_an_arm_whose_wire_counts_is_asked() -> None:
    talk = answered(200, b'{"input_tokens": 9}')
    assert asyncio.run(counted(talk, ANTHROPIC)) == 9
    assert asyncio.run(counted(talk, OPENAI)) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"input_tokens": "many"}'])
def test_a_count_that_cannot_be_read_is_none_of_ours(body: bytes) -> None:
    with pytest.raises(ProviderUnavailableError, match="counts no tokens"):
        asyncio.run(counted(answered(200, body), ANTHROPIC))


def test_a_provider_that_cannot_count_says_so() -> None:
    resting = RestingProvider(ScriptedProvider({}))
    assert asyncio.run(resting.count_tokens(Arm("x/m"), ASKED)) is None
