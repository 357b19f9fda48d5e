"""Whoever calls an arm of Bedrock's has the call signed: the sandbox lets no other in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from doubles import HashEmbedder, counting_ids
from metallm import Arm, Audit, Hedge, JudgeArm, Router
from metallm.assembly.budgeted import budgeted_provider
from metallm.assembly.charged import charged_provider
from metallm.assembly.choices import http_provider
from metallm.core.completion import ChatRequest
from metallm.core.ledger import NANO_PER_USD, Ledger
from metallm.core.protocols import CountsTokens, Provider
from metallm.errors import ProviderAuthError
from metallm.gateway.budgets import Purse
from metallm.providers.bounds import Bounds
from metallm.sandbox.app import create_app
from metallm.settings import ArmSettings, ProviderSettings, Settings
from metallm.tables.recordings import Recordings
from servers import running

pytest.importorskip("botocore")

QUESTION = "Is it raining?"
MODEL = "acme/rain-v1:0"
ANSWERS = Recordings.read(
    pa.table({"query": [QUESTION], "model": [MODEL], "response": ["yes"], "score": [1.0]})
)
ASKED: Any = {"messages": [{"role": "user", "content": QUESTION}]}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(create_app(ANSWERS)) as made:
        yield made


def bedrock(url: str, name: str = "bedrock/rain", **fields: Any) -> Arm:
    return Arm(name, 1.0, 1.0, model=MODEL, base_url=url, wire="bedrock", **fields)


def plain() -> Provider:
    return http_provider(ProviderSettings(max_retries=0))


def charged() -> Provider:
    return charged_provider(ProviderSettings(max_retries=0), Bounds(50), print)


def budgeted() -> Provider:
    arm = ArmSettings(name="a/b", input_price=1.0, output_price=1.0)
    settings = Settings(arms=(arm,), providers=ProviderSettings(max_retries=0))
    return budgeted_provider(settings, Ledger(NANO_PER_USD), output_tokens=50, tell=print)


def nobody() -> None:
    return None


def without_budget() -> Purse:
    return Purse([])


def with_budget() -> Purse:
    return Purse([Ledger(NANO_PER_USD)], 10_000_000)


PATHS: list[tuple[Callable[[], Provider], Callable[[], Purse | None]]] = [
    (plain, nobody),
    (charged, nobody),
    (charged, without_budget),
    (charged, with_budget),
    (budgeted, nobody),
]
paths = pytest.mark.parametrize(("make", "payer"), PATHS)


@paths
def test_answers_and_streams_are_signed(
    url: str, make: Callable[[], Provider], payer: Callable[[], Purse | None]
) -> None:
    async def ask() -> None:
        provider, request = make(), ChatRequest(ASKED, payer=payer())
        try:
            assert (await provider.complete(bedrock(url), request)).text == "yes"
            events = [event async for event in provider.stream(bedrock(url), request)]
            assert "".join(event.text for event in events) == "yes"
        finally:
            await provider.close()

    asyncio.run(ask())


@paths
def test_the_count_of_tokens_is_signed(
    url: str, make: Callable[[], Provider], payer: Callable[[], Purse | None]
) -> None:
    async def ask() -> None:
        provider = make()
        try:
            if isinstance(provider, CountsTokens):
                counted = await provider.count_tokens(bedrock(url), ChatRequest(ASKED))
                # a job under a budget never asks for it
                assert counted is None if make is budgeted else counted is not None
        finally:
            await provider.close()

    asyncio.run(ask())


def router(url: str, **options: Any) -> Router:
    arms = [bedrock(url), bedrock(url, "bedrock/other")]
    given = {"policy": "fixed:bedrock/rain", "provider": plain(), **options}
    return Router(arms, embedder=HashEmbedder(), new_id=counting_ids(), **given)


def test_a_judges_call_is_signed(url: str) -> None:
    made = router(url, judge=JudgeArm("bedrock/other", 1.0))

    async def ask() -> None:
        assert (await made.complete(QUESTION)).text == "yes"
        await made.caller.close()

    asyncio.run(ask())
    (graded,) = made.outcomes("dec_1")
    assert (graded.arm, graded.kind) == ("bedrock/other", "completion")
    made.close()


def test_an_audits_call_is_signed(url: str) -> None:
    made = router(url, policy="greedy", audit=Audit("bedrock/other", 1.0))

    async def ask() -> None:
        found = await made.classify(QUESTION, ["yes", "no"], arms=["bedrock/rain", "bedrock/other"])
        assert {call.arm for call in found.calls} >= {"bedrock/other"}
        await made.caller.close()

    asyncio.run(ask())
    made.close()


def test_a_hedge_is_signed(url: str) -> None:
    async def at_once(seconds: float) -> None:
        del seconds

    made = router(url, hedge=Hedge(after_s=1.0), sleep=at_once)

    async def ask() -> str:
        answer = await made.complete(QUESTION)
        await made.caller.close()
        return answer.text

    assert asyncio.run(ask()) == "yes"
    assert {each.kind for each in made.outcomes("dec_0")} == {"overtaken", "completion"}
    made.close()


def test_without_credentials_none_of_it_goes_out(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    async def ask() -> None:
        provider = charged()
        try:
            with pytest.raises(ProviderAuthError, match="signature does not fit"):
                await provider.complete(bedrock(url), ChatRequest(ASKED, payer=with_budget()))
        finally:
            await provider.close()

    asyncio.run(ask())
