"""Classifications under a budget: what was paid for is an answer."""

from __future__ import annotations

import asyncio

import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.core.audit import Audit
from metallm.core.classes import EVIDENCE
from metallm.core.ledger import Ledger, nano_usd
from metallm.core.price import Usage
from metallm.errors import BudgetExhaustedError
from metallm.providers.bounds import Bounds
from metallm.providers.budgeted import BudgetedProvider
from metallm.providers.retry import Retry
from metallm.providers.scripted import ScriptedProvider

LABELS = ("cat", "dog")


def _router(limit_usd: float, **options: object) -> tuple[metallm.Router, Ledger]:
    ledger = Ledger(nano_usd(limit_usd))
    inner = ScriptedProvider(lambda arm, _: "cat", usage=Usage(60, 2))
    retry = Retry(asyncio.sleep, lambda: 0.0, 0)
    router = metallm.Router(
        [CHEAP, DEAR],
        provider=BudgetedProvider(inner, ledger, Bounds(64), retry, lambda _: None),
        embedder=HashEmbedder(),
        clock=lambda: 1000.0,
        new_id=counting_ids(),
        **options,  # type: ignore[arg-type]
    )
    return router, ledger


def test_a_further_call_that_is_not_covered_leaves_the_answers_that_were_paid_for() -> None:
    # the cheap arm can cost some 60 millionths of a dollar, the dear one some 6 thousandths
    router, ledger = _router(0.001, cost_weight=0.0)
    found = router.classify_sync(
        "hard to tell", LABELS, task="pets", max_calls=2, arms=[CHEAP.name]
    )
    assert [call.arm for call in found.calls] == [CHEAP.name]
    both = None
    for number in range(30):  # until the cheap one is the first to be asked
        try:
            both = router.classify_sync(f"hard to tell {number}", LABELS, task="pets", max_calls=2)
            break
        except BudgetExhaustedError:
            continue
    assert both is not None
    assert both.arm == EVIDENCE
    assert both.label == "cat"
    assert [call.arm for call in both.calls] == [CHEAP.name]
    assert 0 < ledger.spent <= ledger.limit
    router.close()


def test_an_audit_that_is_not_covered_leaves_the_answer_as_it_was() -> None:
    asked = {}
    for limit_usd in (0.001, 1.0):
        router, _ = _router(limit_usd, audit=Audit(DEAR.name, 1.0))
        found = router.classify_sync("easy", LABELS, task="pets", cost_weight=1000.0)
        assert found.label == "cat"
        asked[limit_usd] = [call.arm for call in found.calls]
        router.close()
    assert asked == {0.001: [CHEAP.name], 1.0: [CHEAP.name, DEAR.name]}


def test_a_first_call_that_is_not_covered_is_told() -> None:
    router, ledger = _router(0.0)
    with pytest.raises(BudgetExhaustedError):
        router.classify_sync("easy", LABELS)
    assert ledger.spent == 0
    router.close()
