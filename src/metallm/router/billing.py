"""Outcomes of calls, billed at the arm's price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.outcome import Outcome
from metallm.core.price import Usage
from metallm.core.query import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from metallm.core.decision import Decision
    from metallm.errors import ProviderError
    from metallm.router.engine import Engine


def completed(
    engine: Engine,
    decision: Decision,
    arm: str,
    usage: Usage,
    *,
    latency_s: float,
    answer: str | None = None,
) -> Outcome:
    """The outcome of an answer; its cost is None where the arm's price is unknown."""
    price = engine.arms[arm].list_price
    return Outcome(
        decision.id,
        arm,
        "completion",
        answer=answer,
        cost_usd=None if price is None else price.cost_usd(usage),
        cost_estimated=usage.estimated,
        latency_s=latency_s,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        list_usd=engine.list_usd(arm, decision.input_tokens),
        at=engine.now(),
    )


def failed(engine: Engine, decision: Decision, error: ProviderError) -> Outcome:
    """The outcome of a call without an answer: logged, and nothing learned from it."""
    return Outcome(decision.id, error.arm, "failure", error=str(error), at=engine.now())


def guessed_usage(decision: Decision, text: str) -> Usage:
    """Tokens of an answer whose provider sent none, flagged as a guess."""
    output = round(len(text) / CHARACTERS_PER_TOKEN)
    return Usage(decision.input_tokens, output, estimated=True)
