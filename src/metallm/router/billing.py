"""Outcomes of calls, billed at the arm's price."""

from __future__ import annotations

from dataclasses import replace
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


def guessed_usage(decision: Decision, text: str, known: Usage | None = None) -> Usage:
    """Tokens of an answer whose provider sent none, or of a part of one, flagged as a guess.

    Args:
        decision: has a guess of the query's tokens.
        text: what was answered.
        known: what the provider told before it broke off; never made less.
    """
    output = round(len(text) / CHARACTERS_PER_TOKEN)
    if known is None:
        return Usage(decision.input_tokens, output, estimated=True)
    return replace(known, output_tokens=max(known.output_tokens, output), estimated=True)
