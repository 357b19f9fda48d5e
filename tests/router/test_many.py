from __future__ import annotations

import asyncio
from typing import Any

import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder
from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.errors import (
    AllArmsFailedError,
    InputError,
    ProviderError,
    ProviderTimeoutError,
    StoreError,
)
from metallm.providers.scripted import Scripted, ScriptedProvider
from metallm.router.answers import Classified
from metallm.router.many import in_order
from metallm.store.memory import MemoryStore

LABELS = ["good", "bad"]


def says(arm: Arm, request: ChatRequest) -> Scripted:
    asked = str(request.body["messages"][0]["content"])
    if "never" in asked:
        return ProviderTimeoutError(arm.name, "late")
    return "bad" if "rain" in asked else "good"


def routed(**options: Any) -> Router:
    return metallm.Router(
        [CHEAP, DEAR], embedder=HashEmbedder(), provider=ScriptedProvider(says), **options
    )


def test_many_texts_come_back_in_order_each_with_its_own_error() -> None:
    router = routed()
    texts = ["sun", "rain", "never", "", "sun again"]
    found = router.classify_many_sync(texts, LABELS, task="weather", concurrency=2)
    told = [each.label if isinstance(each, Classified) else type(each) for each in found]
    assert told == ["good", "bad", AllArmsFailedError, InputError, "good"]
    assert router.classify_many_sync([], LABELS) == []
    router.close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"labels": ["good"]}, "2 labels or more"),
        ({"task": "post"}, "no task 'post' is declared"),
        ({"labels": LABELS, "concurrency": 0}, "concurrency must be"),
        ({"labels": LABELS, "concurrency": 1.5}, "concurrency must be"),
        ({"labels": LABELS, "max_calls": 9}, "max_calls"),
        ({"labels": LABELS, "arms": ["gpt-9"]}, "no arm is called"),
    ],
)
def test_what_fails_every_text_is_raised(options: dict[str, Any], told: str) -> None:
    router = routed()
    with pytest.raises(InputError, match=told):
        router.classify_many_sync(["sun", "rain"], **options)
    assert router.knowledge.decisions == 0
    router.close()


def test_a_log_that_fails_ends_all() -> None:
    class Failing(MemoryStore):
        def append(self, records: Any) -> Any:
            if records:
                raise StoreError("the disk is full")
            return super().append(records)

    router = routed(store=Failing())
    with pytest.raises(StoreError):
        router.classify_many_sync(["sun", "rain"], LABELS)
    router.close()


def test_only_some_are_worked_on_at_once_and_all_are() -> None:
    now = most = 0

    async def work(number: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(number % 5):
            await asyncio.sleep(0)
        now -= 1
        return number * number

    assert asyncio.run(in_order(range(50), work, 4)) == [number * number for number in range(50)]
    assert most == 4


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_was_begun_has_ended_when_all_of_it_ends(cancelled: bool) -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        try:
            if number == 2 and not cancelled:
                raise ProviderError("sim/one", "no")
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async def run() -> None:
        running = asyncio.create_task(in_order(range(9), work, 3))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if cancelled:
            running.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else ProviderError):
            await running
        assert sorted(ended) == [0, 1, 2]

    asyncio.run(run())
