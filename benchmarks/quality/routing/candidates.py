"""The settings of our own learner that are compared. A file gets the one best for the others.

Edit here: a name to what it means. The first of each is used where there is no other file to
choose by. Results are kept by what a name means, so that a changed setting is run anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from metallm.learners.blend import BlendSettings
from metallm.policies.squarecb import GAMMA, OPTIMISM

LEARNER = "5"
"""Bump it when the learner, the cost learner or SquareCB has changed: MetaLLM is then run anew."""


@dataclass(frozen=True, slots=True)
class OnlineSettings:
    """A learner and how it explores.

    Args:
        blend: the learner's settings.
        gamma: γ₀ of SquareCB.
        optimism: standard errors that SquareCB adds to each reward.
    """

    blend: BlendSettings = field(default_factory=BlendSettings)
    gamma: float = GAMMA
    optimism: float = OPTIMISM


OFFLINE: dict[str, BlendSettings] = {
    "default": BlendSettings(),
    "fewer parts": BlendSettings(directions=32, cells=16, landmarks=128),
    "more directions": BlendSettings(directions=96),
}

ONLINE: dict[str, OnlineSettings] = {
    "default": OnlineSettings(),
    "half the optimism": OnlineSettings(optimism=0.5 * OPTIMISM),
    "three times γ": OnlineSettings(gamma=3.0 * GAMMA),
}
