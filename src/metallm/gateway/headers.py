"""What an answer's headers tell of the decision behind it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from metallm.core.decision import Decision
    from metallm.router.answers import Overtaken


def decision_headers(
    decision: Decision, arm: str, overhead_s: float | None, overtaken: Overtaken | None = None
) -> dict[str, str]:
    """Decision, arm, propensity and policy; the own time where it is known.

    Args:
        decision: how the arm was chosen.
        arm: the arm that answered.
        overhead_s: seconds spent here; None where they cannot be told from the arms'.
        overtaken: the other call of a hedge, if there was one.
    """
    headers = {
        "x-metallm-decision-id": decision.id,
        "x-metallm-arm": header_text(arm),
        "x-metallm-propensity": plain_number(decision.propensity),
        "x-metallm-policy": header_text(decision.policy),
    }
    if overhead_s is not None:
        headers["x-metallm-overhead-ms"] = f"{overhead_s * 1000:.3f}"
    if overtaken is not None:
        headers["x-metallm-overtaken"] = header_text(overtaken.arm)
    return headers


def cost_headers(cost_usd: float | None, *, estimated: bool) -> dict[str, str]:
    """The bill; nothing where it is unknown.

    Args:
        cost_usd: USD.
        estimated: whether the bill is our guess.
    """
    if cost_usd is None:
        return {}
    headers = {"x-metallm-cost-usd": plain_number(cost_usd)}
    if estimated:
        headers["x-metallm-cost-estimated"] = "true"
    return headers


def cost_comment(decision: Decision, cost_usd: float | None, *, estimated: bool) -> str:
    """The same for the end of a stream, whose headers went out before the bill was known."""
    parts = ["metallm"]
    if cost_usd is not None:
        parts.append(f"cost_usd={plain_number(cost_usd)}")
        if estimated:
            parts.append("cost_estimated=true")
    return " ".join([*parts, f"decision_id={decision.id}"])


def overhead_s(
    elapsed_s: float,
    upstream_s: float,
    decision: Decision,
    arm: str,
    overtaken: Overtaken | None = None,
) -> float | None:
    """Seconds of our own; None where another call was waited for as well, before or beside it."""
    if arm != decision.arm or overtaken is not None:
        return None
    return max(elapsed_s - upstream_s, 0.0)


def plain_number(value: float) -> str:
    """Every digit of a number, without an exponent."""
    return f"{Decimal(repr(value)):f}"


def header_text(text: str) -> str:
    """A text that a header can carry: names in other scripts are percent-encoded."""
    return text if text.isascii() and text.isprintable() else quote(text, safe="/:@ ")
