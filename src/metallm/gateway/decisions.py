"""GET /v1/decisions/{id}: why an arm was chosen, and what became of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.gateway.access import key_of
from metallm.gateway.errors import JSON
from metallm.gateway.note import note_of
from metallm.gateway.tenants import decision_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.router.engine import Engine

_HIDDEN = frozenset({"decision_id", "list_usd"})


class Decisions:
    """What the log holds of single decisions.

    Args:
        engine: reads the log.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def one(self, request: Request) -> Response:
        """One decision with its outcomes, oldest first; of a classification its further steps."""
        note = note_of(request, "decisions")
        decision = decision_of(self._engine, request.path_params["decision_id"], key_of(request))
        note.decision_id, note.arm = decision.id, decision.arm
        told = _told(decision, self._engine.outcomes(decision.id))
        if decision.labels and decision.parent is None:
            further = self._engine.steps(decision)[1:]
            told["steps"] = [_told(each, outcomes) for each, outcomes in further]
        return Response(orjson.dumps(told), media_type=JSON)


def _told(decision: Decision, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Every field by name: the context, which tells of the text, is not among them."""
    told = {
        "id": decision.id,
        "index": decision.index,
        "at": decision.at,
        "arm": decision.arm,
        "propensity": decision.propensity,
        "propensities": dict(decision.propensities),
        "estimates": {name: asdict(each) for name, each in decision.estimates.items()},
        "policy": decision.policy,
        "version": decision.version,
        "cost_weight": decision.cost_weight,
        "cost_scale_usd": decision.cost_scale,
        "input_tokens": decision.input_tokens,
        "labels": list(decision.labels),
        "task": decision.task,
        "parent": decision.parent,
        "client": None if decision.client is None else asdict(decision.client),
        "outcomes": [_outcome(each) for each in outcomes],
    }
    if decision.text is not None:  # only where prompts are logged
        told["text"] = decision.text
    return told


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if name not in _HIDDEN}
