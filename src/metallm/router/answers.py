"""What comes back from a routed call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metallm.core.decision import Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer.

    Args:
        decision: how the arm was chosen.
        arm: the arm that answered; another than was decided after a fallback.
        text: the answer's text.
        cost_usd: the bill; None where the arm's price is unknown.
        cost_estimated: True where the provider sent no usage and the bill is our guess.
        latency_s: seconds.
        raw: the answer as it came, in the caller's wire format.
    """

    decision: Decision
    arm: str
    text: str
    cost_usd: float | None
    cost_estimated: bool
    latency_s: float
    raw: bytes

    @property
    def decision_id(self) -> str:
        """What feedback refers to."""
        return self.decision.id


@dataclass(frozen=True, slots=True)
class Classified:
    """One classified text.

    Args:
        label: one of the labels; None where the answer named none, or several.
        arm: the arm that answered.
        cost_usd: the bill; None where the arm's price is unknown.
        decision_id: what feedback refers to.
        text: the answer as it came.
    """

    label: str | None
    arm: str
    cost_usd: float | None
    decision_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One feedback, for sending many at once.

    Args:
        decision_id: the decision that is judged.
        quality: 0 to 1.
        label: the true label, in place of a quality.
        cost_usd: USD, where the caller made the call.
        latency_s: seconds, where the caller made the call.
        replace: True to correct an earlier judgement.
        weight: what it counts, above 0 to 1; 1 counts in full.
        judge: who judged, where that is somebody who errs, such as an LLM; None where it is true.
    """

    decision_id: str
    quality: float | None = None
    label: str | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    replace: bool = False
    weight: float = 1.0
    judge: str | None = None
