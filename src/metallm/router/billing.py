"""Outcomes of calls, billed at the arm's price."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.core.outcome import Outcome
from metallm.core.price import Usage
from metallm.core.query import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from metallm.core.classes import Likely
    from metallm.core.decision import Decision
    from metallm.errors import ProviderError
    from metallm.router.answers import Overtaken
    from metallm.router.engine import Engine


def completed(
    engine: Engine,
    decision: Decision,
    arm: str,
    usage: Usage,
    *,
    latency_s: float,
    answer: str | None = None,
    likely: Likely = (),
) -> Outcome:
    """The outcome of an answer; its cost is None where the arm's price is unknown."""
    price = engine.arms[arm].list_price
    return Outcome(
        decision.id,
        arm,
        "completion",
        answer=answer,
        likely=((arm, likely),) if likely else (),
        cost_usd=None if price is None else price.cost_usd(usage),
        cost_estimated=usage.estimated if price is None else not price.tells(usage),
        latency_s=latency_s,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        list_usd=engine.list_usd(arm, decision.input_tokens),
        at=engine.now(),
    )


def failed(engine: Engine, decision: Decision, error: ProviderError) -> Outcome:
    """The outcome of a call without an answer: logged, and nothing learned from it."""
    return Outcome(decision.id, error.arm, "failure", error=str(error), at=engine.now())


def overtaken(
    engine: Engine, decision: Decision, arm: str, usage: Usage | None, waited_s: float
) -> Outcome:
    """The outcome of a call that was given up because another had answered.

    What a host bills for it is not told. It counts with what an answer of the arm was expected to
    cost: hosts may well finish, and bill, what nobody reads.

    Args:
        engine: has prices and time.
        decision: with what is believed of the arm.
        arm: who was asked.
        usage: where its answer came in the same moment.
        waited_s: seconds that it was waited for.
    """
    if usage is not None:
        return replace(
            completed(engine, decision, arm, usage, latency_s=waited_s), kind="overtaken"
        )
    believed = decision.estimates.get(arm)
    return Outcome(
        decision.id,
        arm,
        "overtaken",
        cost_usd=None if believed is None else believed.cost_usd,
        cost_estimated=True,
        latency_s=waited_s,
        list_usd=engine.list_usd(arm, decision.input_tokens),
        error="another call had answered first",
        at=engine.now(),
    )


def with_beside(cost_usd: float | None, beside: Overtaken | None) -> float | None:
    """The bill of an answer and of the call that it overtook, USD; None where one is unknown."""
    if beside is None:
        return cost_usd
    return None if cost_usd is None or beside.cost_usd is None else cost_usd + beside.cost_usd


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
