"""A switch within a conversation forfeits the provider's prompt cache, and is charged it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm import Router
from metallm.core.price import Usage
from metallm.core.query import Query
from metallm.providers.scripted import ScriptedProvider
from metallm.router.caller import Caller
from metallm.router.conversations import (
    KEPT_S,
    MOST,
    Affinity,
    Conversations,
    Read,
    discount,
)

LONG = "a long document " * 400  # some 1,600 tokens
TURN = [{"role": "user", "content": LONG}]


def _next(*said: str) -> list[dict[str, str]]:
    """The conversation after these answers, with one more question."""
    messages = list(TURN)
    for number, answer in enumerate(said):
        messages.append({"role": "assistant", "content": answer})
        messages.append({"role": "user", "content": f"and question {number}?"})
    return messages


def _query(messages: list[dict[str, str]]) -> Query:
    return Query.of(messages)


def test_a_conversation_is_known_by_what_was_said_so_far() -> None:
    known = Conversations()
    known.remember(_query(TURN), None, "arm", "an answer", 0.0)
    found = known.known(_query(_next("an answer")), None, 1.0)
    assert found is not None
    assert (found.arm, found.at) == ("arm", 0.0)
    assert found.tokens == pytest.approx(len(LONG) / 4, rel=0.02)
    assert known.known(_query(_next("another answer")), None, 1.0) is None
    assert known.known(_query(TURN), None, 1.0) is None


def test_a_session_is_known_by_its_name() -> None:
    known = Conversations()
    known.remember(_query(TURN), "s1", "arm", "an answer", 0.0)
    assert known.known(_query(_next("anything")), "s1", 1.0) is not None
    assert known.known(_query(_next("an answer")), "s2", 1.0) is None
    assert known.known(_query(_next("an answer")), None, 1.0) is None


def test_what_the_provider_has_forgotten_saves_nothing() -> None:
    known = Conversations()
    known.remember(_query(TURN), "s", "arm", "", 0.0)
    assert known.known(_query(TURN), "s", KEPT_S) is not None
    assert known.known(_query(TURN), "s", KEPT_S + 1.0) is None


def test_short_conversations_are_not_remembered_for_their_price() -> None:
    query = _query([{"role": "user", "content": "short"}])
    for affinity, remembered in (("price", False), ("sticky", True), ("off", False)):
        known = Conversations(affinity)  # type: ignore[arg-type]
        known.remember(query, "s", "arm", "", 0.0)
        assert (known.known(query, "s", 1.0) is not None) == remembered


def test_memory_is_bounded() -> None:
    known = Conversations("sticky")
    query = _query([{"role": "user", "content": "short"}])
    for number in range(MOST + 10):
        known.remember(query, str(number), "arm", "", 0.0)
    assert known.known(query, "9", 0.0) is None
    assert known.known(query, "10", 0.0) is not None


def _router() -> Router:
    arms = [replace(CHEAP, cache_read_price=0.01), replace(DEAR, cache_read_price=1.0)]
    return Router(
        arms,
        embedder=HashEmbedder(),
        clock=lambda: 1000.0,
        new_id=counting_ids(),
        policy="random",
    )


async def _talk(router: Router, affinity: Affinity, turns: int) -> list[Any]:
    provider = ScriptedProvider(lambda *_: "an answer", usage=Usage(1_600, 5))
    caller = Caller(router, provider, Conversations(affinity))
    answers = []
    for turn in range(turns):
        messages = _next(*["an answer"] * turn)
        answers.append(await caller.answer(_query(messages), {"messages": messages}))
    return answers


def test_the_arm_that_has_read_it_is_expected_to_cost_the_less_and_no_other() -> None:
    router = _router()
    talks = [asyncio.run(_talk(router, affinity, 2)) for affinity in ("off", "price")]
    (_, plain), (first, second) = talks
    read = Read(first.arm, first.decision.input_tokens + len("an answer") // 4, 1000.0)
    saved = discount(read, _query(_next("an answer")), router.arms)
    assert 0.5 < saved < 1.0
    for name, estimate in second.decision.estimates.items():
        usual = plain.decision.estimates[name].cost_usd
        assert usual is not None
        expected = usual * (1.0 - saved) if name == first.arm else usual
        # one more bill was learned in between
        assert estimate.cost_usd == pytest.approx(expected, rel=0.1)
    assert sum(second.decision.propensities.values()) == pytest.approx(1.0)
    router.close()


def test_a_sticky_conversation_stays_with_its_arm_and_says_so_in_its_propensity() -> None:
    router = _router()
    answers = asyncio.run(_talk(router, "sticky", 12))
    assert len({answer.arm for answer in answers}) == 1
    assert answers[0].decision.propensity == pytest.approx(0.5)
    assert all(answer.decision.propensities == {answer.arm: 1.0} for answer in answers[1:])
    router.close()


def test_without_affinity_each_turn_is_chosen_anew() -> None:
    router = _router()
    answers = asyncio.run(_talk(router, "off", 12))
    assert len({answer.arm for answer in answers}) == 2
    router.close()


def test_an_arm_whose_cache_has_no_price_of_its_own_saves_nothing() -> None:
    read = Read(CHEAP.name, 2_000, 0.0)
    assert discount(read, _query(TURN), {CHEAP.name: replace(CHEAP, cache_read_price=None)}) == 0.0
    assert discount(read, _query(TURN), {}) == 0.0
