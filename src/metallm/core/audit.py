"""Audits: some answers are held against those of a model that is believed to be right."""

from __future__ import annotations

from dataclasses import dataclass

from metallm.errors import ConfigurationError

PRESUMED = 0.97
"""How good the reference is expected to be before any outcome; the others' expectation is
`OTHERS`. An arm that is to be measured by another must not be thought better than it at first."""

OTHERS = 0.5


@dataclass(frozen=True, slots=True)
class Audit:
    """Learning without labels: a reference arm's answers stand in for them.

    Its answers teach as true labels would: what it answers where it is chosen anyway, and what it
    answers to a share of the other queries, which are sent to it as well. Where true labels come
    too, they show how often the reference is right, and it counts the less.

    Args:
        arm: name of the reference.
        share: of all classifications, how many may at most be sent to it for this alone, 0 to 1;
            0 learns from the answers that it gives anyway.

    Raises:
        ConfigurationError: no arm is named, or a share out of range.
    """

    arm: str
    share: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.arm, str) or not self.arm.strip():
            raise ConfigurationError("an audit needs the name of an arm to hold answers against")
        if not 0.0 <= self.share <= 1.0:
            raise ConfigurationError(
                f"the share of an audit is 0 to 1, such as 0.1 for a tenth, not {self.share!r}"
            )
