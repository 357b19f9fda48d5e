"""What stands of a decision: who judged it how, and what its arm learned from that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metallm.core.outcome import Outcome, Taught


@dataclass(frozen=True, slots=True)
class Said:
    """A judgement, as it was given.

    Args:
        quality: 0 to 1.
        weight: above 0 to 1.
        label: the true label, where it was named.
    """

    quality: float
    weight: float = 1.0
    label: str | None = None

    def __str__(self) -> str:
        weight = "" if self.weight == 1.0 else f" of weight {self.weight:g}"
        return f"quality {self.quality:g}{weight}"

    def same(self, other: Said) -> bool:
        """Whether quality and weight are the same, whatever was said of labels."""
        return (self.quality, self.weight) == (other.quality, other.weight)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a decision from feedback so far.

    Args:
        gold: the judgement that is true; None where there is none yet.
        opinions: by judge, the newest of each.
        taught: what the arm has learned, and would have to give back.
        cost_usd: as the caller reported it.
        latency_s: as the caller reported it.
    """

    gold: Said | None = None
    opinions: Mapping[str, Said] = field(default_factory=dict)
    taught: Taught | None = None
    cost_usd: float | None = None
    latency_s: float | None = None

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Standing:
        """After all outcomes of a decision, oldest first."""
        standing = cls()
        for outcome in outcomes:
            if outcome.kind == "feedback":
                standing = standing.after(outcome)
        return standing

    def after(self, told: Outcome) -> Standing:
        """After one more feedback, of which only what is new is given."""
        gold, opinions, taught = self.gold, self.opinions, told.taught
        if taught is None and told.taken_back is None:
            taught = self.taught
        if told.quality is not None:
            said = Said(told.quality, told.weight, told.label)
            if told.judge is None:
                gold = said
            else:
                opinions = {**opinions, told.judge: said}
        return Standing(
            gold,
            opinions,
            taught,
            self.cost_usd if told.cost_usd is None else told.cost_usd,
            self.latency_s if told.latency_s is None else told.latency_s,
        )
