"""A judge arm: a model that grades a share of the answers."""

from __future__ import annotations

from dataclasses import dataclass

from metallm.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class JudgeArm:
    """Who grades answers to open questions, and how many.

    What it says is feedback by a judge of its name: it is corrected by how often the judge was
    right where the truth came too.

    Args:
        arm: name of the arm that grades.
        share: of the answers, how many are graded, 0 to 1, drawn at random.
        rubric: what makes an answer good, told to the judge; "" for right and helpful.

    Raises:
        ConfigurationError: no arm is named, or a share out of range.
    """

    arm: str
    share: float = 0.05
    rubric: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.arm, str) or not self.arm.strip():
            raise ConfigurationError("a judge needs the name of the arm that grades")
        if not 0.0 <= self.share <= 1.0:
            raise ConfigurationError(
                f"the share that a judge grades is 0 to 1, such as 0.05, not {self.share!r}"
            )
