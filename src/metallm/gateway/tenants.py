"""Whose a decision is: another tenant's does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.errors import UnknownDecisionError

if TYPE_CHECKING:
    from metallm.core.decision import Decision
    from metallm.core.key import Key
    from metallm.router.engine import Engine


def decision_of(engine: Engine, decision_id: str, key: Key | None) -> Decision:
    """A decision that a key may see.

    Args:
        engine: reads the log.
        decision_id: which one.
        key: the client's; None where no keys are asked for.

    Raises:
        UnknownDecisionError: there is none, or it is another tenant's: the answers are the same.
    """
    decision = engine.decision(decision_id)
    if key is None or key.admin:
        return decision
    if decision.client is None or decision.client.tenant != key.tenant:
        raise UnknownDecisionError(decision_id)
    return decision
