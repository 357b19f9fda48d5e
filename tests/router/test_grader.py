"""Judge arms: a share of the answers is graded beside the traffic, as a judge's word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm import Router
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.judge_arm import JudgeArm
from metallm.core.query import Query
from metallm.errors import ConfigurationError, ProviderError
from metallm.providers.scripted import Scripted, ScriptedProvider
from metallm.router.grader import TASK
from metallm.store.memory import MemoryStore

JUDGE = DEAR.name


def _says(arm: Arm, request: ChatRequest) -> Scripted:
    told = str(request.body["messages"][0]["content"])
    if "Grade an answer" in told:
        return "9" if "<answer>\nright" in told else "2"
    return "right" if "easy" in told else "wrong"


def _router(
    says: Callable[[Arm, ChatRequest], Scripted] = _says, share: float = 1.0, **options: Any
) -> Router:
    return Router(
        [CHEAP, DEAR],
        provider=ScriptedProvider(says),
        embedder=HashEmbedder(),
        clock=lambda: 1000.0,
        new_id=counting_ids(),
        judge=JudgeArm(JUDGE, share),
        **options,
    )


def _run(router: Router, work: Callable[[Router], Awaitable[Any]]) -> Any:
    """What `work` gives, once all its answers are graded; the router is still open."""

    async def whole() -> Any:
        found = await work(router)
        await router.caller.close()
        return found

    return asyncio.run(whole())


async def _asked(router: Router, count: int) -> list[Any]:
    texts = [f"{('easy', 'hard')[number % 2]} question {number}" for number in range(count)]
    return [await router.complete(text) for text in texts]


def test_an_answer_is_graded_and_the_grade_is_a_judges_word_on_it() -> None:
    router = _router()
    answers = _run(router, lambda each: _asked(each, 6))
    for number, answer in enumerate(answers):
        told = [each for each in router.outcomes(answer.decision_id) if each.kind == "feedback"]
        assert [(each.judge, each.quality) for each in told] == [(JUDGE, (0.9, 0.2)[number % 2])]
    assert router.judges()[JUDGE].n == 6
    router.close()


def test_a_grading_is_a_decision_of_its_own_with_its_bill() -> None:
    store = MemoryStore()
    router = _router(store=store)
    _run(router, lambda each: _asked(each, 3))
    gradings = [decision for decision, _ in store.recent(100) if decision.task == TASK]
    assert len(gradings) == 3
    for decision in gradings:
        assert (decision.arm, decision.policy, decision.propensity) == (JUDGE, "named", 1.0)
        bills = [each.cost_usd for each in router.outcomes(decision.id)]
        assert bills[0] is not None
        assert bills[0] > 0.0
    router.close()


def test_a_stream_is_graded_when_its_last_word_has_come() -> None:
    async def work(router: Router) -> Any:
        text = "easy question"
        streamed = await router.caller.stream(
            Query.of(text), {"messages": [{"role": "user", "content": text}]}
        )
        async for _ in streamed.events():
            assert router.judges() == {}
        return streamed.decision.id

    router = _router()
    decision_id = _run(router, work)
    told = [each for each in router.outcomes(decision_id) if each.kind == "feedback"]
    assert [(each.judge, each.quality) for each in told] == [(JUDGE, 0.9)]
    router.close()


def test_the_share_that_is_graded_is_the_one_that_was_asked_for() -> None:
    router = _router(share=0.25)
    _run(router, lambda each: _asked(each, 200))
    # 50 expected; 3 standard deviations are 18
    assert 32 <= router.judges()[JUDGE].n <= 68
    router.close()


@pytest.mark.parametrize("reply", ["no idea", ""])
def test_a_reply_without_a_grade_teaches_nothing(reply: str) -> None:
    def says(arm: Arm, request: ChatRequest) -> Scripted:
        told = str(request.body["messages"][0]["content"])
        return reply if "Grade an answer" in told else "right"

    router = _router(says)
    answers = _run(router, lambda each: _asked(each, 2))
    assert all(len(router.outcomes(answer.decision_id)) == 1 for answer in answers)
    router.close()


def test_a_judge_that_is_away_costs_the_answer_nothing() -> None:
    def says(arm: Arm, request: ChatRequest) -> Scripted:
        told = str(request.body["messages"][0]["content"])
        return ProviderError(arm.name, "is away") if "Grade an answer" in told else "right"

    router = _router(says)
    answers = _run(router, lambda each: _asked(each, 4))
    assert [answer.text for answer in answers] == ["right"] * 4
    assert router.judges() == {}
    router.close()


def test_who_judges_and_how_much_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="name of the arm"):
        JudgeArm("")
    with pytest.raises(ConfigurationError, match="0 to 1"):
        JudgeArm(JUDGE, 2.0)
    with pytest.raises(ConfigurationError, match="none of the arms"):
        Router([CHEAP], judge=JudgeArm(JUDGE))
