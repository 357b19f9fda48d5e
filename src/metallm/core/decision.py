"""A decision: which arm was chosen for a query, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.estimates import ArmEstimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arrays import Context
    from metallm.core.client import Client


__all__ = ["ArmEstimate", "Decision"]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The choice for one query.

    Args:
        id: what feedback refers to.
        index: how many decisions the log holds before this one; seeds its draw.
        arm: the chosen arm's name.
        propensity: the probability with which `arm` was chosen at that time.
        propensities: that probability for every arm that could have been chosen.
        estimates: what was believed of each arm.
        policy: name of the policy, or "named" where the caller named the arm.
        version: outcomes learned from before this decision.
        cost_weight: p in reward = quality − p · cost.
        cost_scale: USD that count as a cost of 1 (the dearest arm's mean cost).
        context: shape (d,), float32, what the policy saw.
        input_tokens: guessed tokens of the query.
        labels: the labels that were asked about, or empty.
        task: the caller's name for the task.
        text: the query's text, only where logging of prompts is switched on.
        words: the text's hashed n-grams, uint16, little-endian, for the student of a
            classification; empty elsewhere.
        parent: the decision that this one goes on from: its arm answered, and more was asked;
            None for the first of a query.
        client: who asked through a gateway; None for anybody.
        at: POSIX seconds.
    """

    id: str
    index: int
    arm: str
    propensity: float
    propensities: Mapping[str, float]
    estimates: Mapping[str, ArmEstimate]
    policy: str
    version: int
    cost_weight: float
    cost_scale: float
    context: Context
    input_tokens: int
    labels: tuple[str, ...] = ()
    task: str | None = None
    text: str | None = None
    words: bytes = b""
    parent: str | None = None
    client: Client | None = None
    at: float = 0.0
