"""What a bulk classification is expected to cost: the figures of an estimate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArmEstimate:
    """Always asking one arm for all rows that are left.

    Args:
        arm: its name.
        list_usd: at its list price; None where that is unknown.
        learned_usd: by the bills that the router has seen; None where it has seen none of it.
        at_most_usd: what no bill passes, one call a row; None where there is no bound.
        share: the mean probability that a row goes to it first, as the router chooses now.
        routed_usd: what is expected to be spent on it for that; None where nothing tells.
    """

    arm: str
    list_usd: float | None
    learned_usd: float | None
    at_most_usd: float | None
    share: float
    routed_usd: float | None

    @property
    def expected_usd(self) -> float | None:
        """By what was learned where there is that, else at list price."""
        return self.list_usd if self.learned_usd is None else self.learned_usd


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the rows that are left are expected to cost.

    Args:
        rows: of the job.
        left: that would be asked.
        examples: that stand in the prompt.
        input_tokens: of all prompts, guessed.
        output_tokens: of one answer, assumed.
        output_limit: tokens of an answer at most, under a budget.
        arms: each alone.
        own_share: of the rows, how many the router is expected to answer by itself.
        policy: how it chooses.
        looked_at: rows whose choice was looked at.
        max_calls: arms that a row may be sent to.
    """

    rows: int
    left: int
    examples: int
    input_tokens: int
    output_tokens: int
    output_limit: int
    arms: tuple[ArmEstimate, ...]
    own_share: float
    policy: str
    looked_at: int
    max_calls: int

    @property
    def routed_usd(self) -> float:
        """What is expected to be spent on first calls, on arms of which anything is known."""
        return sum(each.routed_usd or 0.0 for each in self.arms)

    @property
    def unknown_share(self) -> float:
        """Of the rows, how many are expected to go to arms whose cost nobody knows."""
        return sum(each.share for each in self.arms if each.expected_usd is None)

    @property
    def known(self) -> list[ArmEstimate]:
        """Arms of which a cost is known, the cheapest first."""
        known = [each for each in self.arms if each.expected_usd is not None]
        return sorted(known, key=lambda each: each.expected_usd or 0.0)
