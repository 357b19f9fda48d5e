"""Arms that rest or are full are no choice, unless there is no other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm import Router
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.errors import (
    ConfigurationError,
    ProviderRateLimitError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.providers.health import FAILURES, FIRST_REST_S
from metallm.providers.resting import RestingProvider
from metallm.providers.scripted import Cut, Scripted, ScriptedProvider

REQUEST = ChatRequest({"messages": [{"role": "user", "content": "hello"}]})


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _away(provider: RestingProvider, *arms: Arm) -> set[str]:
    return set(provider.obstacles(arms, REQUEST, stream=False, input_tokens=5))


async def _failing(provider: RestingProvider, arm: Arm, count: int) -> None:
    for _ in range(count):
        with pytest.raises((ProviderUnavailableError, ProviderRateLimitError)):
            await provider.complete(arm, REQUEST)


def test_an_arm_that_fails_is_left_out_until_a_trial_shows_that_it_is_well() -> None:
    down = [True]

    def says(arm: Arm, request: ChatRequest) -> Scripted:
        del request
        return ProviderUnavailableError(arm.name, "503") if down[0] else "well"

    async def work() -> None:
        clock = Clock()
        provider = RestingProvider(ScriptedProvider(says), clock)
        await _failing(provider, CHEAP, FAILURES)
        assert _away(provider, CHEAP, DEAR) == {CHEAP.name}
        assert provider.resting() == {CHEAP.name: FIRST_REST_S}
        clock.now = FIRST_REST_S
        assert _away(provider, CHEAP, DEAR) == set()
        down[0] = False
        await provider.complete(CHEAP, REQUEST)
        assert _away(provider, CHEAP, DEAR) == set()
        assert provider.resting() == {}

    asyncio.run(work())


def test_where_every_arm_rests_none_is_left_out() -> None:
    async def work() -> None:
        provider = RestingProvider(
            ScriptedProvider(lambda arm, _: ProviderRateLimitError(arm.name, "429")), Clock()
        )
        await _failing(provider, CHEAP, 1)
        assert _away(provider, CHEAP) == set()
        assert _away(provider, CHEAP, DEAR) == {CHEAP.name}
        await _failing(provider, DEAR, 1)
        assert _away(provider, CHEAP, DEAR) == set()

    asyncio.run(work())


def test_a_stream_that_breaks_off_counts_as_a_failure() -> None:
    async def work() -> None:
        provider = RestingProvider(ScriptedProvider(lambda arm, _: Cut("so far")), Clock())
        for _ in range(FAILURES):
            with pytest.raises(StreamCutError):
                [event async for event in provider.stream(CHEAP, REQUEST)]
        assert _away(provider, CHEAP, DEAR) == {CHEAP.name}

    asyncio.run(work())


def test_a_full_arm_is_no_choice_and_is_waited_for_where_there_is_no_other() -> None:
    async def work() -> None:
        gate = asyncio.Event()
        two, flying = asyncio.Event(), [0]

        class Slow(ScriptedProvider):
            async def complete(self, arm: Arm, request: ChatRequest) -> Any:
                flying[0] += 1
                if flying[0] == 2:
                    two.set()
                await gate.wait()
                return await super().complete(arm, request)

        arm = replace(CHEAP, max_concurrent=2)
        provider = RestingProvider(Slow(lambda *_: "well"))
        calls = [asyncio.create_task(provider.complete(arm, REQUEST)) for _ in range(3)]
        await two.wait()
        assert _away(provider, arm, DEAR) == {arm.name}
        assert _away(provider, arm) == set()
        assert flying == [2]  # the third waits
        gate.set()
        assert [each.text for each in await asyncio.gather(*calls)] == ["well"] * 3
        assert _away(provider, arm, DEAR) == set()

    asyncio.run(work())


def test_a_router_passes_a_resting_arm_over_with_exact_propensities() -> None:
    def says(arm: Arm, request: ChatRequest) -> Scripted:
        del request
        if arm.name == CHEAP.name:
            return ProviderRateLimitError(arm.name, "429", retry_after_s=60.0)
        return "well"

    router = Router(
        [CHEAP, DEAR],
        provider=RestingProvider(ScriptedProvider(says), Clock()),
        embedder=HashEmbedder(),
        clock=lambda: 1000.0,
        new_id=counting_ids(),
        policy="random",
    )
    answers = [router.complete_sync(f"question {number}") for number in range(40)]
    assert {answer.arm for answer in answers} == {DEAR.name}
    first = next(n for n, each in enumerate(answers) if each.decision.arm == CHEAP.name)
    assert all(each.decision.propensities == {DEAR.name: 1.0} for each in answers[first + 1 :])
    # what it did not answer says nothing of its quality
    kinds = [each.kind for each in router.outcomes(answers[first].decision_id)]
    assert kinds == ["failure", "completion"]
    assert router.knowledge.outcomes == 0
    router.close()


@pytest.mark.parametrize("most", [0, -1])
def test_a_limit_is_one_or_more(most: int) -> None:
    with pytest.raises(ConfigurationError, match="max_concurrent"):
        Arm("a/b", 1.0, 1.0, max_concurrent=most)
