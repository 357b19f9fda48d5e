"""What comes back from a routed call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.wires import OPENAI

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.classes import Likely
    from metallm.core.decision import Decision
    from metallm.core.price import Usage


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The call beside an answer, given up because the answer came first.

    Args:
        arm: who was asked.
        hedge: True where it was the hedge, False where the hedge has answered.
        cost_usd: what it may have cost; None where the arm's price is unknown.
    """

    arm: str
    hedge: bool
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer.

    Args:
        decision: how the arm was chosen.
        arm: the arm that answered; another than was decided after a fallback, or where a hedge
            was faster.
        text: the answer's text.
        cost_usd: the bill, of an overtaken call too; None where the arm's price is unknown.
        cost_estimated: True where the bill is our guess: the provider sent no usage, or a call
            was overtaken.
        latency_s: seconds that the arm's call took.
        raw: the answer as bytes, in `wire`.
        label: what was read from it, where a label was asked for; None where it named none.
        usage: billed tokens; None where the provider sent none.
        wire: the caller's where the arm speaks it too, OpenAI's otherwise.
        overtaken: the other call of a hedge; None where there was one alone.
        likely: how likely the arm itself takes labels to be; empty where it does not tell.
    """

    decision: Decision
    arm: str
    text: str
    cost_usd: float | None
    cost_estimated: bool
    latency_s: float
    raw: bytes
    label: str | None = None
    usage: Usage | None = None
    wire: str = OPENAI
    overtaken: Overtaken | None = None
    likely: Likely = ()

    @property
    def decision_id(self) -> str:
        """What feedback refers to."""
        return self.decision.id


@dataclass(frozen=True, slots=True)
class Call:
    """One arm's answer to a classification.

    Args:
        arm: who answered.
        label: what was read from the answer; None where it named no label, or several.
        cost_usd: the bill; None where the arm's price is unknown.
        cost_estimated: True where the provider sent no usage and the bill is our guess.
        latency_s: seconds.
        text: the answer as it came.
        usage: billed tokens; None where the provider sent none.
        likely: how likely the arm itself takes labels to be, by its log probabilities, the
            likeliest first; empty where it does not tell. Labels that are not in it share the rest.
    """

    arm: str
    label: str | None
    cost_usd: float | None
    cost_estimated: bool
    latency_s: float
    text: str
    usage: Usage | None
    likely: Likely = ()


@dataclass(frozen=True, slots=True)
class Classified:
    """One classified text.

    Args:
        label: one of the labels; None where the answer named none, or several.
        arm: who settled the label: the arm that answered, "metallm/student" where the text alone
            did, "metallm/evidence" where the text and the answers of `calls` together did.
        cost_usd: the bill of all calls; None where the price of one is unknown.
        decision_id: what feedback refers to.
        text: the last answer as it came; "" where no arm was asked.
        confidence: how likely the label is to be right, 0 to 1; None where no task is learned.
        probabilities: how likely each label is, by text and answers; empty where no task is
            learned.
        calls: the arms that were asked, in order.
        decision: how the first arm was chosen.
        wants_label: True where its true label would teach much, and is asked for within the share
            that the router was given.
    """

    label: str | None
    arm: str
    cost_usd: float | None
    decision_id: str
    text: str
    confidence: float | None
    probabilities: Mapping[str, float]
    calls: tuple[Call, ...]
    decision: Decision
    wants_label: bool = False

    @property
    def latency_s(self) -> float:
        """Seconds that were waited for arms."""
        return sum(call.latency_s for call in self.calls)

    @property
    def cost_estimated(self) -> bool:
        """True where a bill is our guess."""
        return any(call.cost_estimated for call in self.calls)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One feedback, for sending many at once.

    Args:
        decision_id: the decision that is judged.
        quality: 0 to 1.
        label: the true label, in place of a quality; of a task of kind "multi" the labels.
        cost_usd: USD, where the caller made the call.
        latency_s: seconds, where the caller made the call.
        replace: True to correct an earlier judgement.
        weight: what it counts, above 0 to 1; 1 counts in full.
        judge: who judged, where that is somebody who errs, such as an LLM; None where it is true.
    """

    decision_id: str
    quality: float | None = None
    label: str | Sequence[str] | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    replace: bool = False
    weight: float = 1.0
    judge: str | None = None
