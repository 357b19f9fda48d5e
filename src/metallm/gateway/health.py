"""GET /healthz and /metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from metallm.gateway.errors import JSON
from metallm.gateway.note import note_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from metallm.gateway.keyring import Keyring
    from metallm.gateway.metrics import Metrics
    from metallm.router.engine import Engine


class Health:
    """Whether the gateway is up, and what it has counted.

    Args:
        engine: knows how much was learned.
        metrics: the counts.
        keyring: the clients' keys; where they need one, anybody learns that it is up and no more.
    """

    def __init__(self, engine: Engine, metrics: Metrics, keyring: Keyring | None = None) -> None:
        self._engine = engine
        self._metrics = metrics
        self._keyring = keyring

    async def health(self, request: Request) -> Response:
        """Up, and how much was learned so far."""
        note_of(request, "health")
        if self._keyring is not None and self._keyring.asks():
            return Response(b'{"status":"ok"}', media_type=JSON)
        knowledge = self._engine.knowledge
        told = {
            "status": "ok",
            "arms": len(self._engine.arms),
            "decisions": knowledge.decisions,
            "outcomes": knowledge.outcomes,
        }
        return Response(orjson.dumps(told), media_type=JSON)

    async def metrics(self, request: Request) -> Response:
        """The counts, as Prometheus reads them."""
        note_of(request, "metrics")
        return Response(self._metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})
